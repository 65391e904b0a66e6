/** The module of the pool: each of its workers loads this file. */
import { stat } from 'node:fs/promises'
import type { TaskContext } from 'millhand/pool'
import sharp from 'sharp'
import { replaceFile } from './replace.ts'

export interface Size {
  readonly width: number
  readonly height: number
}

/** Called once by each worker, before its first image. */
export function setup(): void {
  // The pool has an image for every core at a time. Where sharp, too, takes a thread a core for each image (its
  // default, except with the allocator of glibc), they would only get into each other's way, and need more memory.
  sharp.concurrency(1)
  // No image is opened twice.
  sharp.cache(false)
}

/** @returns undefined when the thumbnail is up to date. */
export async function makeThumbnail(
  this: TaskContext,
  image: string,
  thumbnail: string,
  size: number,
): Promise<Size | undefined> {
  // A thumbnail has the time of its image, as it was before it was read: a change meanwhile is seen by the next run.
  const { mtime } = await stat(image)
  if (await hasTime(thumbnail, mtime)) return undefined
  const { data, info } = await sharp(image)
    .autoOrient()
    .resize(size, size, { fit: 'inside', withoutEnlargement: true })
    .webp()
    .toBuffer({ resolveWithObject: true })
  // oxlint-disable-next-line no-this-in-exported-function -- a pool calls its functions with their context as this
  this.signal.throwIfAborted()
  await replaceFile(thumbnail, data, mtime)
  return { width: info.width, height: info.height }
}

async function hasTime(path: string, time: Date): Promise<boolean> {
  try {
    return (await stat(path)).mtime.getTime() === time.getTime()
  } catch {
    return false
  }
}

/** Thumbnails of all images of a folder, made by a pool of threads. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { WorkerPool } from 'millhand/pool'
import { readOptions } from './options.ts'
import { removeUnfinished } from './replace.ts'

const IMAGE = /\.(?:avif|gif|jpe?g|png|svg|tiff?|webp)$/i

const { source, target, size, workers } = readOptions(process.argv.slice(2))
const files = (await readdir(source, { withFileTypes: true })).filter((entry) => entry.isFile())
const images = files.map(({ name }) => name).filter((name) => IMAGE.test(name))

const module = new URL('./thumbnail.ts', import.meta.url)
// A short queue: what is added long before its turn would only take memory.
const pool = new WorkerPool<typeof import('./thumbnail.ts')>(module, { max: workers, maxQueue: 4 * workers })

const stop = new AbortController()
const { signal } = stop
// Once: the second Ctrl-C ends the process the hard way.
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort())

const counts = { made: 0, current: 0, failed: 0 }
for (const image of images) {
  await pool.ready()
  if (signal.aborted) break
  void make(image)
}
await pool.close()
await removeUnfinished(target)

const { made, current, failed } = counts
const others = files.length - images.length
console.error(`${made} made, ${current} up to date, ${failed} failed; left out: ${others} other files`)
if (signal.aborted) console.error('stopped before all were made; start it again to go on')
if (signal.aborted || failed > 0) process.exitCode = 1

/** One that fails is told, and the others go on. */
async function make(image: string): Promise<void> {
  const thumbnail = join(target, `${image}.${size}.webp`)
  try {
    const result = await pool.run('makeThumbnail', [join(source, image), thumbnail, size], { signal })
    if (result === undefined) {
      counts.current++
      return
    }
    counts.made++
    console.log(`${progress()} ${image}: ${result.width}x${result.height}`)
  } catch (error) {
    // It was cancelled with all others.
    if (signal.aborted) return
    counts.failed++
    console.error(`${progress()} error: ${image}: ${(error as Error).message.trim()}`)
  }
}

function progress(): string {
  return `[${counts.made + counts.current + counts.failed}/${images.length}]`
}

import { resolve } from 'node:path'
import { InvalidOptionError, show } from '../../core/errors.ts'
import { unknownName } from '../../core/options.ts'
import type { Durability } from './store.ts'

/** The URL by which another thread or process reaches the same file. */
export function toUrl(path: string, durability: Durability): string {
  // What would end or change the path of a URL, and the sign of the escape itself.
  const escaped = resolve(path)
    .replaceAll('\\', '/')
    .replaceAll(/[%?#\s]/g, encodeURIComponent)
  return `sqlite:${escaped}?durability=${durability}`
}

/** @throws InvalidOptionError unless it is such as `sqlite:jobs.db` or `sqlite:/var/jobs.db?durability=normal`. */
export function parseUrl(text: string): { path: string; durability: string | undefined } {
  const parts = /^sqlite:(?:\/\/(?=\/))?([^?#]+)(?:\?([^#]*))?$/.exec(text)
  const path = parts?.[1]
  if (path === undefined) {
    throw new InvalidOptionError(
      'url',
      `expected the URL to be such as sqlite:jobs.db or sqlite:/var/lib/jobs.db?durability=normal, got: ${show(text)}`,
    )
  }
  const query = new URLSearchParams(parts?.[2] ?? '')
  for (const name of query.keys()) {
    if (name !== 'durability') throw unknownName('option of a sqlite URL', name, ['durability'])
  }
  return { path: decodeURIComponent(path), durability: query.get('durability') ?? undefined }
}

/** Which file of src/ the code of the bundles came from. */
import { readFileSync } from 'node:fs'
import type { Runtime } from 'node:inspector'
import { SourceMap, type SourceMapPayload } from 'node:module'
import { BUILD, ROOT } from './places.ts'

const SRC = new URL('src/', ROOT).href
const maps = new Map<string, SourceMap>()

/** `queue/consume/attempt`; undefined for what is not of Millhand. */
export function sourceOf({ url, lineNumber, columnNumber }: Runtime.CallFrame): string | undefined {
  if (!url.startsWith(BUILD.href)) return undefined
  const entry = mapOf(url).findEntry(lineNumber, columnNumber)
  // What the bundler itself wrote, at the top of a file.
  if (!('originalSource' in entry)) return '(between the files)'
  const source = new URL(entry.originalSource, url).href
  return source.startsWith(SRC) ? source.slice(SRC.length).replace(/\.ts$/, '') : undefined
}

function mapOf(url: string): SourceMap {
  let map = maps.get(url)
  if (map === undefined) {
    map = new SourceMap(JSON.parse(readFileSync(new URL(`${url}.map`), 'utf8')) as SourceMapPayload)
    maps.set(url, map)
  }
  return map
}

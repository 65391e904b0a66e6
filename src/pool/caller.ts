import { pathToFileURL } from 'node:url'
import { getCallSites } from 'node:util'

const HERE = new URL('.', import.meta.url).href

/** The file whose code called into this room, as a URL; undefined when that cannot be told. */
export function callerUrl(): string | undefined {
  for (const { scriptName } of getCallSites(32)) {
    if (scriptName === '' || scriptName.startsWith('node:')) continue
    const url = scriptName.startsWith('file:') ? scriptName : pathToFileURL(scriptName).href
    if (!url.startsWith(HERE)) return url
  }
  return undefined
}

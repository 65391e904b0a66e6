import { pathToFileURL } from 'node:url'

const HERE = new URL('.', import.meta.url).href

/** The file whose code called into this room, as a URL; undefined when that cannot be told. */
export function callerUrl(): string | undefined {
  const prepare = Error.prepareStackTrace
  try {
    Error.prepareStackTrace = (_error, sites) => sites
    const sites = new Error('of no interest').stack as unknown as NodeJS.CallSite[]
    for (const site of sites) {
      const file = site.getFileName()
      if (file === null || file === undefined || file.startsWith('node:')) continue
      const url = file.startsWith('file:') ? file : pathToFileURL(file).href
      if (!url.startsWith(HERE)) return url
    }
    return undefined
  } finally {
    Error.prepareStackTrace = prepare
  }
}

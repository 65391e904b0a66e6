import { relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A place in a file, in the first line of a syntax error or in a frame of a stack. */
const PLACE = /(?:^|[\s(])((?:file:\/\/)?(?:\/|[A-Z]:[\\/])[^\n()]*?):(\d+)(?::(\d+))?\)?$/gm
/** Where the library and its command are, as source, or built into a file that lies beside the others. */
const OURS = (import.meta.url.endsWith('.ts') ? ['../', '../../bin/'] : ['./', '../bin/']).map(
  (folder) => new URL(folder, import.meta.url).href,
)

/** `mail.ts:12:3`: the first place in a stack that is neither Node's, nor ours, nor in a package. */
export function blame(error: Error): string | undefined {
  for (const [, file = '', line, column] of (error.stack ?? '').matchAll(PLACE)) {
    if (
      OURS.some((folder) => file.startsWith(folder)) ||
      file.includes(`${sep}node_modules${sep}`) ||
      file.includes('/node_modules/')
    ) {
      continue
    }
    return [relativePath(file), line, column].filter((part) => part !== undefined).join(':')
  }
  return undefined
}

/** A path or file URL as one types it here: relative, unless it lies outside. */
export function relativePath(file: string): string {
  const path = file.startsWith('file://') ? fileURLToPath(file) : file
  const short = relative(process.cwd(), path)
  return short.startsWith('..') ? path : short
}

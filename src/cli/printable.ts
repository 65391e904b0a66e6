// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const CONTROL = /[\u0000-\u001F\u007F-\u009F\u2028\u2029\u202A-\u202E\u2066-\u2069]/g

/**
 * Text that was stored by somebody else, as it may go to a terminal: control characters, which could move the
 * cursor or forge a line, are shown as escapes.
 */
export function printable(text: string): string {
  return text.replace(CONTROL, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** `1 job`, `2 jobs`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

/** The first line of a message, printable, cut to `longest` characters. */
export function firstLine(text: string, longest = 80): string {
  const [line = ''] = text.trim().split('\n')
  const chars = [...printable(line.trimEnd())]
  return chars.length > longest ? `${chars.slice(0, longest - 1).join('')}…` : chars.join('')
}

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r' }

/** A line as `sha256sum` writes it, for `sha256sum --check`: a name that would break the line is escaped. */
export function checksumLine(hash: string, path: string): string {
  const escaped = path.replaceAll(/[\\\n\r]/g, (character) => ESCAPES[character]!)
  return `${escaped === path ? '' : '\\'}${hash}  ${escaped}\n`
}

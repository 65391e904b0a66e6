const EXIT_CODES = `
Exit codes:
  0  it worked
  1  it failed, or what was named is not there
  2  wrong usage`

/** What stands below the options in the help of a command. */
export function examples(...lines: readonly string[]): string {
  return ['', 'Examples:', ...lines.map((line) => `  $ ${line}`), EXIT_CODES].join('\n')
}

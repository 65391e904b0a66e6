import { relative } from 'node:path'

/** The parts of vitest's JSON report that are read here. */
export interface TestReport {
  readonly testResults: readonly {
    readonly name: string
    readonly status: string
    /** Why the file failed as a whole. */
    readonly message?: string
    readonly assertionResults: readonly {
      readonly fullName: string
      readonly status: string
      readonly failureMessages?: readonly string[] | null
    }[]
  }[]
}

const LINES = 30
// oxlint-disable-next-line no-control-regex -- that is what colours are made of
const COLOUR = /\u001B\[[\d;]*m/g
/** The line above them. */
const FAILURES = /^⎯+ (?:Failed (?:Tests|Suites)|Unhandled Errors)/m
/** What a Node that crashes prints before it is gone; its stack comes within the lines that follow. */
const CRASH = /^(?:# Fatal error|FATAL ERROR:|----- Native stack trace)/m
const CRASH_LINES = 40
const FRAME_OF_OTHERS = /^\s+at .*(?:node_modules|node:internal|new Promise \(<anonymous>\))/

/** Which tests failed and why, shortly: a reader of a log often sees no more than its head. */
export function failedTests({ testResults }: TestReport, root: string): string {
  const texts: string[] = []
  for (const { name, status, message = '', assertionResults } of testResults) {
    const file = relative(root, name)
    const failed = assertionResults.filter((each) => each.status === 'failed')
    for (const { fullName, failureMessages } of failed) {
      texts.push(`failed: ${file} > ${fullName}\n${head(failureMessages?.[0] ?? '')}`)
    }
    if (status === 'failed' && failed.length === 0) texts.push(`failed: ${file}\n${head(message)}`)
  }
  return texts.join('\n\n')
}

/** What a step printed: first how a Node crashed, then what vitest says of failures, which it says last. */
export function failuresFirst(output: string): string {
  const text = withoutColours(output).trim()
  const at = text.search(FAILURES)
  const ordered = at === -1 ? text : `${text.slice(at)}\n\n${text.slice(0, at).trimEnd()}`
  const crash = text.search(CRASH)
  return crash === -1 ? ordered : `${text.slice(crash).split('\n', CRASH_LINES).join('\n')}\n\n${ordered}`
}

function withoutColours(text: string): string {
  return text.replaceAll(COLOUR, '')
}

function head(message: string): string {
  const lines = withoutColours(message)
    .trim()
    .split('\n')
    .filter((line) => !FRAME_OF_OTHERS.test(line))
  const rest = lines.length > LINES ? [`... ${lines.length - LINES} lines more`] : []
  return [...lines.slice(0, LINES), ...rest].map((line) => `    ${line}`.trimEnd()).join('\n')
}

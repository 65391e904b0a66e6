const isSource = import.meta.url.endsWith('.ts')

/** The entry file of a placement, with the extension that this file has: .ts in the sources, .js when built. */
export function entryOf(placement: 'thread' | 'process'): URL {
  return new URL(isSource ? `./${placement}-entry.ts` : `./${placement}-entry.js`, import.meta.url)
}

const SOURCE_CONDITION = '--conditions=millhand-source'

/**
 * Flags of Node for a thread or process: those given, else those of this process.
 * @returns undefined for a thread that inherits them as a whole, the only way in which those of V8 reach it.
 */
export function flagsOf(
  given: readonly string[] | undefined,
  placement: 'thread' | 'process' = 'thread',
): string[] | undefined {
  const { execArgv } = process
  if (given !== undefined) return withCondition(given)
  if (placement === 'process') return withCondition(pick(execArgv, (flag) => !OF_MAIN.test(flag)))
  const isWhole = !isConditionMissing(execArgv) && !execArgv.some((flag) => OF_MAIN.test(flag))
  return isWhole ? undefined : withCondition(pick(execArgv, (flag) => OF_THREAD.test(flag)))
}

/** What only the main script of this process is meant by: a child would run it again, or ask for the same port. */
const OF_MAIN = /^(-e|--eval|-p|-pe|--print|--input-type|--inspect|--test|--watch)/
/** What a thread takes by name; the flags of V8 and of the whole process it refuses. */
const OF_THREAD =
  /^(-C|--conditions|--import|-r|--require|--enable-source-maps|--disable-warning|--no-warnings)/
/** Their value may be the next argument. */
const WITH_VALUE = /^(-e|--eval|-p|-pe|--print|-C|--conditions|--import|-r|--require|--input-type)$/

function pick(flags: readonly string[], isWanted: (flag: string) => boolean): string[] {
  return flags.filter((flag, index) => {
    const before = flags[index - 1]
    return isWanted(before !== undefined && WITH_VALUE.test(before) ? before : flag)
  })
}

function withCondition(flags: readonly string[]): string[] {
  return isConditionMissing(flags) ? [...flags, SOURCE_CONDITION] : [...flags]
}

/**
 * Code that imports millhand by its name must get the same files as the entry, also where only a test runner was
 * told of the condition.
 */
function isConditionMissing(flags: readonly string[]): boolean {
  return isSource && !flags.some((flag) => flag.includes('millhand-source'))
}

const isSource = import.meta.url.endsWith('.ts')

/** The entry file of a placement, with the extension that this file has: .ts in the sources, .js when built. */
export function entryOf(placement: 'thread' | 'process'): URL {
  return new URL(isSource ? `./${placement}-entry.ts` : `./${placement}-entry.js`, import.meta.url)
}

const SOURCE_CONDITION = '--conditions=millhand-source'

/**
 * Flags of Node for a thread or process: those given, else those of this process.
 * @returns undefined for a thread that inherits them: that works only as a whole, since it refuses the flags of V8
 * and of the process when they are named.
 */
export function flagsOf(
  given: readonly string[] | undefined,
  placement: 'thread' | 'process' = 'thread',
): string[] | undefined {
  const flags = given ?? (placement === 'process' ? withoutScript(process.execArgv) : undefined)
  if (flags !== undefined) return isConditionMissing(flags) ? [...flags, SOURCE_CONDITION] : [...flags]
  return isConditionMissing(process.execArgv) ? [SOURCE_CONDITION] : undefined
}

/** What runs a script from the command line would run it again in the child; a debugger's port can be had once. */
const OWN_FLAG = /^(-e|--eval|-p|-pe|--print|--input-type|--inspect|--test|--watch)/
/** The script is the next argument. */
const WITH_SCRIPT: ReadonlySet<string> = new Set(['-e', '--eval', '-p', '-pe', '--print'])

function withoutScript(flags: readonly string[]): string[] {
  return flags.filter((flag, index) => !OWN_FLAG.test(flag) && !WITH_SCRIPT.has(flags[index - 1] ?? ''))
}

/**
 * Code that imports millhand by its name must get the same files as the entry, also where only a test runner was
 * told of the condition.
 */
function isConditionMissing(flags: readonly string[]): boolean {
  return isSource && !flags.some((flag) => flag.includes('millhand-source'))
}

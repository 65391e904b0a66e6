const isSource = import.meta.url.endsWith('.ts')

/** The entry file of a placement, with the extension that this file has: .ts in the sources, .js when built. */
export function entryOf(placement: 'thread' | 'process'): URL {
  return new URL(isSource ? `./${placement}-entry.ts` : `./${placement}-entry.js`, import.meta.url)
}

const SOURCE_CONDITION = '--conditions=millhand-source'

/** Flags of Node for a child: those given, else those of this process. */
export function flagsOf(execArgv: readonly string[] = process.execArgv): string[] {
  // Code that imports millhand by its name must get the same files as the entry, also where only a test runner
  // was told of the condition.
  const isMissing = isSource && !execArgv.some((flag) => flag.includes('millhand-source'))
  return isMissing ? [...execArgv, SOURCE_CONDITION] : [...execArgv]
}

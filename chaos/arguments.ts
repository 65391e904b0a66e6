import { parseArgs } from 'node:util'

export interface Arguments {
  readonly suite: string
  readonly quick: boolean
  readonly json: boolean
  /** Only this case; undefined: all of the suite. */
  readonly only: string | undefined
  readonly seed: number
}

export class UsageError extends Error {}

/** @throws UsageError saying what was expected, with the usage. */
export function parseArguments(args: readonly string[], suites: readonly string[]): Arguments {
  const usage = `usage: npm run chaos -- ${suites.join('|')} [--quick] [--json] [--case NAME] [--seed N]`
  const fail = (text: string): never => {
    throw new UsageError(`${text}\n${usage}`)
  }
  const { values, positionals } = parse(args, fail)
  const [suite, ...more] = positionals
  if (suite === undefined) return fail('expected the name of a suite')
  if (!suites.includes(suite)) return fail(`expected a suite out of ${suites.join(', ')}, got: ${suite}`)
  if (more.length > 0) return fail(`expected one suite, got also: ${more.join(' ')}`)
  const { quick = false, json = false, case: only, seed } = values
  if (seed !== undefined && !/^\d{1,10}$/.test(seed)) {
    return fail(`expected --seed to be a whole number of at most ten digits, got: ${seed}`)
  }
  return { suite, quick, json, only, seed: seed === undefined ? newSeed() : Number(seed) }
}

function newSeed(): number {
  return Math.floor(Math.random() * 2 ** 31)
}

function parse(args: readonly string[], fail: (text: string) => never) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        quick: { type: 'boolean' },
        json: { type: 'boolean' },
        case: { type: 'string' },
        seed: { type: 'string' },
      },
    })
  } catch (error) {
    return fail((error as Error).message)
  }
}

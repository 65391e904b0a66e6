import type { Case } from '../case.ts'
import { startThreads } from '../loads/start-threads.ts'
import { startBareThreads } from '../peers/bare.ts'

const time = { unit: 'ms', better: 'lower' } as const
const starts = { full: 80, quick: 32, 'warm-up': 8 } as const

/** What it costs to begin. */
export const startCases: readonly Case[] = [
  {
    ...time,
    name: 'start-threads-js',
    about:
      'Eight workers of a .js module that imports Millhand are started at once, each in its thread, until all run; the median. Against eight bare threads of an empty .js file, until each has run it.',
    jobs: starts,
    millhand: startThreads('js'),
    peers: { 'bare threads': startBareThreads('js') },
  },
  {
    ...time,
    name: 'start-threads-ts',
    about: 'The same of a .ts module, against an empty .ts file.',
    jobs: starts,
    millhand: startThreads('ts'),
    peers: { 'bare threads': startBareThreads('ts') },
  },
]

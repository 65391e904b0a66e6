import type { Case } from '../case.ts'
import { replaceEnded } from '../loads/replace.ts'
import { HEAP_BEFORE, restartCycles } from '../loads/restart-cycles.ts'
import { seeStall, THRESHOLD } from '../loads/stall.ts'
import { seeStallOfServer } from '../loads/stall-server.ts'
import { ALLOWED, stopStubborn } from '../loads/stop.ts'
import { replaceBare } from '../peers/bare.ts'

const time = { unit: 'ms', better: 'lower', rounds: 3, peers: {} } as const
const few = { full: 10, quick: 2, 'warm-up': 0 } as const
const some = { full: 100, quick: 6, 'warm-up': 0 } as const

/** How soon a server sees, ends and replaces a worker. */
export const supervisionCases: readonly Case[] = [
  {
    ...time,
    name: 'stop-thread',
    about:
      'stop() of workers that ignore it, every other one with a blocked event loop: by how much the slowest missed its deadline.',
    jobs: some,
    millhand: stopStubborn('thread'),
    yardstick: ALLOWED,
  },
  {
    ...time,
    name: 'stop-process',
    about: 'The same for processes.',
    jobs: some,
    millhand: stopStubborn('process'),
    yardstick: ALLOWED,
  },
  {
    ...time,
    name: 'replace-thread',
    about:
      'From process.exit() in the thread of a worker until the next one runs, without back-off; the median. Against a bare thread of an empty .mjs file.',
    jobs: some,
    millhand: replaceEnded('thread'),
    peers: { 'bare thread': replaceBare('thread') },
  },
  {
    ...time,
    name: 'replace-process',
    about: 'From SIGKILL to the process of a worker until the next one runs. Against a bare fork.',
    jobs: some,
    millhand: replaceEnded('process'),
    peers: { 'bare process': replaceBare('process') },
  },
  {
    name: 'restart-cycles',
    about:
      'Workers in a thread and a process crash and are started again, 1,000 times: by how much the heap after a collection grew. Fails when handles, timers or listeners are not exactly those of before.',
    unit: 'MiB',
    better: 'lower',
    jobs: { full: 1000, quick: 30, 'warm-up': 0 },
    rounds: 1,
    millhand: restartCycles(),
    peers: {},
    yardstick: HEAP_BEFORE,
  },
  {
    ...time,
    name: 'stall-thread',
    about: 'From while (true) in a worker until its event stalled, at a threshold of 1 s: the slowest.',
    jobs: few,
    millhand: seeStall('thread'),
    yardstick: THRESHOLD,
  },
  {
    ...time,
    name: 'stall-process',
    about: 'The same for processes.',
    jobs: few,
    millhand: seeStall('process'),
    yardstick: THRESHOLD,
  },
  {
    ...time,
    name: 'stall-server',
    about: 'The same in the process of the server itself, until its watchdog has logged it.',
    jobs: few,
    millhand: seeStallOfServer(),
    yardstick: THRESHOLD,
  },
]

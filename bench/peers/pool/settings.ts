import type { OpenPool } from '../../loads/pool/task-pool.ts'
import { piscina } from './piscina.ts'
import { poolifier } from './poolifier.ts'
import { tinypool } from './tinypool.ts'
import { workerpoolOf } from './workerpool.ts'

/**
 * The settings of each peer that could be its best for some case. The suite `pool-settings` measures all of them;
 * the suite `pool` has, of each peer, the one that was its fastest there.
 */
export const THREADS = {
  piscina: {
    '1, sync': piscina({ perWorker: 1, atomics: 'sync' }),
    '1, async': piscina({ perWorker: 1, atomics: 'async' }),
    '1, disabled': piscina({ perWorker: 1, atomics: 'disabled' }),
    '64, sync': piscina({ perWorker: 64, atomics: 'sync' }),
    '64, async': piscina({ perWorker: 64, atomics: 'async' }),
    '64, disabled': piscina({ perWorker: 64, atomics: 'disabled' }),
  },
  tinypool: {
    '1': tinypool({ perWorker: 1 }),
    '1, atomics': tinypool({ perWorker: 1, atomics: true }),
    '64': tinypool({ perWorker: 64 }),
    '64, atomics': tinypool({ perWorker: 64, atomics: true }),
  },
  workerpool: { default: workerpoolOf() },
  poolifier: {
    'no queue': poolifier({}),
    'no queue, least used': poolifier({ strategy: 'LEAST_USED' }),
    'queue, 1': poolifier({ perWorker: 1, strategy: 'LEAST_USED' }),
    'queue, 64': poolifier({ perWorker: 64, strategy: 'LEAST_USED' }),
  },
} as const satisfies Settings

export const PROCESSES = {
  tinypool: {
    '1, json': tinypool({ perWorker: 1, processes: 'json' }),
    '64, json': tinypool({ perWorker: 64, processes: 'json' }),
    '64, advanced': tinypool({ perWorker: 64, processes: 'advanced' }),
  },
  workerpool: { json: workerpoolOf('json'), advanced: workerpoolOf('advanced') },
} as const satisfies Settings

type Settings = Readonly<Record<string, Readonly<Record<string, OpenPool>>>>

/** Which of the settings of each peer is its best. */
export type Best<S extends Settings> = { readonly [Peer in keyof S]: keyof S[Peer] & string }

export function bestOf<S extends Settings>(settings: S, best: Best<S>): Record<string, OpenPool> {
  return Object.fromEntries(
    Object.entries(settings).map(([peer, each]) => [peer, each[best[peer as keyof S]]!]),
  )
}

/** All of them, each with its settings in its name. */
export function allOf(settings: Settings): Record<string, OpenPool> {
  return Object.fromEntries(
    Object.entries(settings).flatMap(([peer, each]) =>
      Object.entries(each).map(([name, open]) => [`${peer} (${name})`, open]),
    ),
  )
}

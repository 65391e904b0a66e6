import type { Begin, FromWorkerBody, Grant } from '../../../src/stream/control.ts'
import { PARTITIONS } from '../../../src/stream/partition.ts'
import type { StreamHooks } from '../../../src/stream/stream-hooks.ts'
import { StreamLife } from '../../../src/stream/stream-life.ts'
import type { StreamSettings } from '../../../src/stream/stream-settings.ts'
import { FrameList } from './frame-list.ts'

export interface Heard {
  heard: string[]
}

const SETTINGS: StreamSettings = {
  concurrency: 1,
  timeoutMs: Infinity,
  batchSize: 256,
  maxKeys: 1000,
  evictAfterMs: Infinity,
  snapshots: true,
  snapshotEveryMs: 60_000,
  snapshotAfter: 1_000_000,
  statsEveryMs: 60_000,
}

/** States are what a key has heard; each hook can be replaced. */
export function hooks(replaced: Partial<StreamHooks<Heard>> = {}): StreamHooks<Heard> {
  return {
    init: () => ({ heard: [] }),
    process: (message, state) => void state.heard.push(message.text()),
    processBatch: undefined,
    onGap: (_key, gap, state) => void state.heard.push(`gap:${gap.reason}`),
    query: (_key, _request, state) => state?.heard,
    onTimer: (_key, name, state) => void state.heard.push(`timer:${name}`),
    onEvict: () => {},
    onError: () => {},
    snapshot: (_key, state) => state,
    restore: (_key, snapshot) => snapshot as Heard,
    ...replaced,
  }
}

export interface OneLife {
  readonly frames: FrameList
  readonly life: StreamLife<Heard>
  /** What it has said to its group. */
  readonly said: FromWorkerBody[]
  readonly errors: Error[]
  readonly run: () => Promise<void>
  /** What a key has heard, by its query. */
  readonly heard: (key: string) => Promise<unknown>
}

export const grant = (partition: number, more: Partial<Grant> = {}): Grant => ({
  ...{ partition, sequence: 0, handledTo: 0, lost: undefined, gap: undefined },
  ...more,
})

/** A life of a worker that has all partitions, and reads from a list. */
export function oneLife(
  options: {
    readonly hooks?: Partial<StreamHooks<Heard>>
    readonly settings?: Partial<StreamSettings>
    readonly begin?: Partial<Begin>
  } = {},
): OneLife {
  const frames = new FrameList()
  const said: FromWorkerBody[] = []
  const errors: Error[] = []
  let asked = 0
  const life = new StreamLife<Heard>({
    hooks: hooks(options.hooks),
    begin: {
      ...{ door: undefined, outputs: ['out'], careful: 0, isPoisoned: false },
      settings: { ...SETTINGS, ...options.settings },
      grants: Array.from({ length: PARTITIONS }, (_, partition) => grant(partition)),
      ...options.begin,
    },
    epoch: 1,
    reader: frames,
    post: (message) => void said.push(message),
    onError: (error) => void errors.push(error),
    isProcess: false,
  })
  const heard = async (key: string): Promise<unknown> => {
    const id = ++asked
    frames.query(key, id, null)
    for (;;) {
      const answer = said.find((each) => each.kind === 'answer' && each.id === id)
      if (answer?.kind === 'answer') return 'value' in answer.answer ? answer.answer.value : answer.answer
      await new Promise((resolve) => void setImmediate(resolve))
    }
  }
  return { frames, life, said, errors, heard, run: () => life.run() }
}

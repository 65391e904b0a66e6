import type { Case, Contender, Suite } from '../case.ts'
import { processAll, type ProcessOptions } from '../loads/process.ts'
import { inMemory, inSqlite, type OpenStore } from '../loads/store.ts'
import { MetricsCollector } from '../millhand.ts'

const PLAIN: ProcessOptions = { validated: false }

/** What each feature costs: jobs processed with it, against the plain path without it. */
export const suite: Suite = {
  name: 'features',
  cases: [
    ...both('validation', 'Payloads checked by a zod schema before each handler.', { validated: true }),
    ...both('events', 'A listener of the event that tells how each attempt ended.', {
      watch: (worker) => {
        worker.events.on('attempts', () => {})
      },
    }),
    ...both('metrics', 'A MetricsCollector that counts outcomes and times of each attempt.', {
      watch: (worker) => {
        new MetricsCollector().watch(worker)
      },
    }),
    ...both('retention', 'Done jobs kept for a day with their result, not removed.', {
      retention: { done: '1d' },
    }),
    ...both(
      'leases',
      'Leases of 300 ms, renewed every 100 ms, not leases of 30 s that are never renewed here.',
      {
        lease: '300ms',
      },
    ),
  ],
}

function both(name: string, about: string, feature: ProcessOptions): Case[] {
  return [
    featureCase(`${name}-memory`, about, inMemory, 200_000, feature),
    featureCase(`${name}-sqlite`, about, inSqlite('normal'), 100_000, feature),
  ]
}

function featureCase(
  name: string,
  about: string,
  open: OpenStore,
  full: number,
  feature: ProcessOptions,
): Case {
  const withIt: Contender = processAll(open, { ...PLAIN, ...feature })
  return {
    name,
    about,
    unit: 'jobs/s',
    better: 'higher',
    jobs: { full, quick: full / 10, 'warm-up': 10_000 },
    millhand: withIt,
    peers: { 'plain path': processAll(open, PLAIN) },
  }
}

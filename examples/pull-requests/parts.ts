import type { Logger } from 'millhand'
import type { ServiceBus } from './events.ts'
import type { GitHub } from './github/github.ts'
import type { Queues } from './queues.ts'
import type { Knowledge } from './storage/knowledge.ts'
import type { Results } from './storage/results.ts'

/** What the workers share. */
export interface Parts {
  readonly queues: Queues
  readonly bus: ServiceBus
  readonly github: GitHub
  readonly knowledge: Knowledge
  readonly results: Results
  readonly logger: Logger
}

/** A killed process is noticed after this long; renewed three times meanwhile, so a slow job is safe. */
export const LEASE = '5s'

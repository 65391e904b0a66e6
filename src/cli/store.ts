import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import { MillhandError, UnsupportedError } from '../core/errors.ts'
import { nearest } from '../core/options.ts'
import type { Backend, QueueStats } from '../queue/backend.ts'
import { backendUrl } from '../queue/backend-url.ts'
import { openBackend } from '../queue/open-backend.ts'
import { Queue } from '../queue/queue.ts'
import { notFound } from './failure.ts'
import type { Session } from './session.ts'

const VARIABLE = 'MILLHAND_BACKEND'

export interface StoreOptions {
  readonly backend?: string
}

/** Gives a command the options by which it finds its store. */
export function withStoreOptions(command: Command): Command {
  return command
    .option(
      '--backend <url>',
      `the store, such as sqlite:jobs.db (default: the environment variable ${VARIABLE})`,
    )
    .option('--json', 'write one line of JSON instead of text')
    .option('--debug', 'show the stack of an error')
}

/** The store that a command looks into. */
export class Store {
  readonly #backend: Backend

  constructor(backend: Backend) {
    this.#backend = backend
  }

  /** A queue to add to: it need not have been used before. It takes any payload, having no schemas. */
  queue(name: string): Queue {
    return new Queue(name, { backend: this.#backend })
  }

  /** All queues that were ever used. */
  async stats(): Promise<QueueStats[]> {
    await this.#backend.open()
    return this.#backend.stats()
  }

  /** A queue that was used before. @throws MillhandError NOT_FOUND, with a guess at what was meant. */
  async known(name: string): Promise<Queue> {
    const queue = this.queue(name)
    const names = (await this.stats()).map((stats) => stats.queue)
    if (names.includes(name)) return queue
    const guess = nearest(name, names)
    const list = names.length > 10 ? `${names.slice(0, 10).join(', ')}, ...` : names.join(', ')
    const hint = guess === undefined ? `known are: ${list || '(none)'}` : `did you mean "${guess}"?`
    throw notFound(`there is no queue "${name}" in this store; ${hint}`)
  }
}

/**
 * Opens the store, hands it to `use`, and closes it whatever happened.
 * @param mayCreate false: a store that is a file must be there, for reading a typing error would only make a new,
 * empty one.
 */
export async function withStore(
  session: Session,
  options: StoreOptions,
  mayCreate: boolean,
  use: (store: Store) => Promise<void>,
): Promise<void> {
  const url = options.backend ?? session.env[VARIABLE]
  if (url === undefined || url === '') {
    throw new MillhandError(
      'CONFIG',
      `which store? Pass --backend <url>, such as --backend sqlite:jobs.db, or set ${VARIABLE}`,
    )
  }
  const { file } = backendUrl(url)
  if (!mayCreate && file !== undefined && !existsSync(file)) {
    throw notFound(
      `there is no file ${file}; check --backend or ${VARIABLE} ("millhand queue add" makes a new store)`,
    )
  }
  const backend = await openBackend(url)
  try {
    if (backend.capabilities.sharedBy === 'process') {
      throw new UnsupportedError(
        `a ${backend.name} store lives inside the process that made it, where no command can look; use a file, such as sqlite:jobs.db`,
      )
    }
    await use(new Store(backend))
  } finally {
    await backend.close()
  }
}

import { MillhandError } from '../core/errors.ts'
import { Queue } from '../queue/queue.ts'
import { Server } from '../server/server.ts'
import type { AnyWorker } from '../worker/placement/runner.ts'
import { Worker } from '../worker/worker.ts'

/** What a file exports for `millhand run`, each once. */
export interface Runnables {
  readonly servers: readonly Server[]
  /** Those that no exported server has. */
  readonly workers: readonly AnyWorker[]
  readonly queues: readonly Queue[]
}

/**
 * Finds servers, workers and queues among the exports, also in arrays and plain objects, which is where a
 * CommonJS file has its own.
 * @throws MillhandError CONFIG when there is nothing to run, with what there is instead and what to export.
 */
export function runnablesOf(exports: Readonly<Record<string, unknown>>, file: string): Runnables {
  const found = new Set(Object.values(exports).flatMap((value) => [value, ...inside(value)]))
  const servers = [...found].filter((value) => value instanceof Server)
  const queues = [...found].filter((value) => value instanceof Queue)
  const minded = new Set(servers.flatMap((server) => server.workers.map(({ id }) => id)))
  const workers = [...found].filter((value) => value instanceof Worker).filter(({ id }) => !minded.has(id))
  if (servers.length + workers.length === 0) throw nothingToRun(exports, file)
  return { servers, workers, queues }
}

function inside(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value
  if (typeof value !== 'object' || value === null) return []
  return Object.getPrototypeOf(value) === Object.prototype ? Object.values(value) : []
}

function nothingToRun(exports: Readonly<Record<string, unknown>>, file: string): MillhandError {
  const entries = Object.entries(exports).filter(([name]) => name !== 'module.exports')
  const list = entries.map(([name, value]) => `${name} (${kindOf(value)})`).join(', ')
  const what =
    entries.length === 0 ? `${file} exports nothing` : `${file} exports no worker and no server, only ${list}`
  const foreign = entries.some(([, value]) => isForeign(value))
  const wayOut = foreign
    ? 'It imports another copy of millhand than this command belongs to: start the one that is installed beside it, with npx millhand'
    : 'Export what is to run: export const worker = mail.worker({ ... }), or export const server = new Server().add(...)'
  return new MillhandError('CONFIG', `${what}. ${wayOut}`)
}

function kindOf(value: unknown): string {
  if (typeof value === 'function' && value.prototype instanceof Worker) {
    return 'a class of workers: export an instance, or a server with server.add(Class, options)'
  }
  if (value instanceof Queue) return 'a queue'
  if (value === null) return 'null'
  return typeof value === 'object' ? `a ${value.constructor?.name ?? 'object'}` : `a ${typeof value}`
}

/** True for what looks like a worker or server of ours but is made by other code of the same name. */
function isForeign(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const names: string[] = []
  for (let each: unknown = Object.getPrototypeOf(value); each; each = Object.getPrototypeOf(each)) {
    names.push(each.constructor.name)
  }
  const stops = typeof (value as { stop?: unknown }).stop === 'function'
  return stops && (names.includes('Worker') || names.includes('Server'))
}

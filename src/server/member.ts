import { InvalidOptionError } from '../core/errors.ts'
import type { KillCause } from '../core/telemetry.ts'
import type { WorkerHandle } from '../worker/handle.ts'
import type { Restart } from '../worker/lifecycle.ts'
import type { RestartPolicy } from './restart-policy.ts'

/** One member of a supervisor: a worker, or a group of them. */
export interface Member {
  readonly name: string
  readonly restart: RestartPolicy
  /** Whether it is started again together with another one that failed, where the strategy says so. */
  readonly sharesFate: boolean
  /** What it may take to stop, from when it is asked; undefined for what is left of the whole budget. */
  readonly stopTimeoutMs: number | undefined
  /** True from its start to its end. */
  readonly isAlive: boolean
  /** What its last life failed with. */
  readonly error: Error | undefined
  readonly handles: readonly WorkerHandle[]
  /** True for its name, and for those that its workers have or may get. */
  claims(name: string): boolean
  start(restart?: Restart): Promise<void>
  /** Asks, and waits however long. Never rejects. */
  stop(): Promise<void>
  kill(cause: KillCause): Promise<void>
  /** Resolves when it is not alive. */
  ended(): Promise<void>
  /**
   * Puts a new worker in the place of the old one, ready before that is asked to stop.
   * @returns false when there cannot be two of it: then it must be stopped and started by whoever minds it.
   * @throws what the new one could not start for; the old one then goes on.
   */
  surge(restart: Restart): Promise<boolean>
  quiet(): void
  resume(): void
}

/** Those that have begun a life and not ended it. */
export function living(members: readonly Member[]): Member[] {
  return members.filter((member) => member.isAlive)
}

/** @throws InvalidOptionError when `added` and one of the members would share a name. */
export function checkNames(members: readonly Member[], added: Member): void {
  const name =
    namesOf(added).find((each) => members.some((member) => member.claims(each))) ??
    members.flatMap(namesOf).find((each) => added.claims(each))
  if (name === undefined) return
  throw new InvalidOptionError(
    'name',
    `expected the name of a worker to be unique, got a second "${name}"; give one of them another name`,
  )
}

function namesOf({ name, handles }: Member): string[] {
  return [name, ...handles.map((handle) => handle.name)]
}

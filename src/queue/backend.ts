/**
 * THE contract between the queue and the stores.
 *
 * Glossary
 *   claim     to take jobs for a while; what is claimed has a *lease* and a *token*
 *   lease     the time for which a claim holds; renewed by its owner, or the job waits again
 *   owner     one life of one worker: a random incarnation, new at each start
 *   token     `owner:n`, n counting the owner's claims. Fences everything that is done to a claimed job
 *   stale     said of a token that is not the job's present one; what names it changes nothing. A lease that
 *             has expired makes no token stale: only who reaps it does
 *   suspect   a job whose worker died while it ran (crashes > 0); it is claimed alone
 *   wall      the store's time of day, for delays, expiry, retention and schedules
 *   lease clock  the store's clock for leases; cannot be set by anyone where the store has such a clock
 *
 * Every operation is atomic for each job it names, takes and gives arrays in the same order, and may be called
 * by any number of workers and producers at once. An operation that throws a retryable BackendError may or may
 * not have happened; calling it again with the same arguments is always safe. The runtime times, counts and
 * logs the calls; a store does none of that.
 *
 * The cases in `millhand/conformance` are the other half of this contract.
 */
import type { ClaimedJob, JobRecord, JobRef, JobState, NewJob } from './job.ts'
import type { Looking } from './looking.ts'
import type { MaintainReport, MaintainRequest, ReapReport } from './maintenance.ts'
import type { CrashPolicy, Settlement, SettleResult } from './settlement.ts'

export type * from './looking.ts'
export type * from './maintenance.ts'
export type * from './settlement.ts'

export interface Backend extends Producing, Consuming, Looking, Inspecting, Steering, Scheduling {
  /** For messages and logs; nobody tests it. */
  readonly name: string
  readonly capabilities: Capabilities
  /** Makes the store usable: connects, creates or migrates the schema. Calling it again is free. */
  open(): Promise<void>
  /** Lets go of everything. Later calls fail with INVALID_STATE. Calling it again is free. */
  close(): Promise<void>
  /**
   * Lets go of its connections and makes new ones: the runtime has waited in vain for an answer. Calls under way
   * reject with a retryable BackendError, later ones use the new connections. Does not wait and does not throw;
   * free while new ones are being made. Only stores that are reached through a network have it.
   */
  reconnect?(): void
}

/** What a store can do. The runtime asks here and nowhere else. */
export interface Capabilities {
  /** Jobs survive the end of this process. */
  readonly durable: boolean
  /** Who can share the store: code of one `process`, of one `machine`, or across the `network`. */
  readonly sharedBy: 'process' | 'machine' | 'network'
  /** A URL for `openBackend`, by which another thread or process reaches this same store; null when none can. */
  readonly url: string | null
  /** The largest payload or result, in bytes. */
  readonly maxPayloadBytes: number
  /** `enqueue` and `settle` take part in a transaction of the caller's; see {@link Transaction}. */
  readonly transactions: boolean
  /** Not yet offered by any store; each is false until its conformance topic is passed. */
  readonly lanes: boolean
  readonly unique: boolean
  readonly rateLimits: boolean
  readonly workflows: boolean
}

/**
 * The caller's own client of the same database, in a transaction that the caller began and ends. What the call
 * does is part of it: seen by others after its commit, gone without a trace after a rollback. The store begins and
 * ends nothing, tries nothing again, and tells its watchers after the commit.
 *
 * What it is, each store says and checks: an InvalidOptionError for anything else, for another database, or when no
 * transaction is open. When the call throws for another reason, only a rollback is left. A store without the
 * capability throws an UnsupportedError.
 *
 * To everyone else a job that was settled so is claimed until the commit: `renew` answers with it, `maintain` does not
 * reap it. Where writers do not exclude each other anyhow, nothing waits for the transaction but a settle of the same
 * job: that finds out whether it was committed, or throws retryably when it takes too long to know.
 */
export type Transaction = unknown

// ---------------------------------------------------------------------------------------------- producing

export interface Producing {
  /** Stores jobs. Each gets its own answer; a bad one never rejects the others. */
  enqueue(request: EnqueueRequest, transaction?: Transaction): Promise<EnqueueResult[]>
}

export interface EnqueueRequest {
  readonly queue: string
  readonly jobs: readonly NewJob[]
  /**
   * No more unfinished jobs than this; what is above it is rejected as QUEUE_FULL. Null: no limit. An id that is
   * known is a `duplicate` all the same. Follow-ups and the jobs of schedules have no such limit.
   */
  readonly maxLength: number | null
}

export type EnqueueResult =
  | { readonly status: 'added'; readonly id: string; readonly seq: number }
  /** The id is known; the job that has it was left alone. */
  | { readonly status: 'duplicate'; readonly id: string; readonly seq: number }
  | {
      readonly status: 'rejected'
      readonly id: string
      readonly code: 'QUEUE_FULL' | 'PAYLOAD_TOO_LARGE'
      readonly reason: string
    }

// ---------------------------------------------------------------------------------------------- consuming

export interface Consuming {
  /**
   * Takes jobs, most urgent first, then first in first out. The same as an exchange that settles nothing. What
   * should have been started before now (`expiresAt`) is not given; claim or maintain dead-letters it.
   */
  claim(request: ClaimRequest): Promise<ClaimResult>
  /** Ends claims. Stale ones are reported and change nothing. */
  settle(settlements: readonly Settlement[], transaction?: Transaction): Promise<SettleResult[]>
  /** Settles, then claims, in one trip. What the settle frees can be claimed by it. Not one transaction. */
  exchange(settlements: readonly Settlement[], request: ClaimRequest): Promise<ExchangeResult>
  /**
   * Records, before handlers run, that they are about to. Refuses what was cancelled or lost meanwhile
   * (`stale`), and what its queue's pause holds back (`paused`: still claimed; release it). What was recorded
   * before is `started` again, pause or not.
   */
  start(refs: readonly JobRef[]): Promise<StartResult[]>
  /**
   * Gives all claims of an owner a new lease of `leaseMs`, but none beyond the `renewForMs` of its claim.
   * Answers with the claims that it holds, also those whose lease had expired when nobody has reaped them. A
   * claim missing from the answer is lost; one that its owner never heard of is to be released by it.
   */
  renew(owner: string, leaseMs: number): Promise<HeldClaim[]>
  /** Notes how far running jobs are; the text is the runtime's own JSON. */
  progress(updates: readonly ProgressUpdate[]): Promise<('ok' | 'stale')[]>
  /**
   * To be called when a worker is known to be dead, never before: what it had only claimed waits again, what
   * it had started counts a crash, as when its leases had expired.
   */
  releaseOwner(owner: string, policy: CrashPolicy): Promise<ReapReport>
  /**
   * The upkeep of a queue, in bounded steps: notes `types` as handled, reaps expired leases, promotes due
   * jobs, dead-letters those that were not started in time, removes finished ones past their retention,
   * dead-letters types that nobody handles. Any worker may call it at any time. While jobs wait or are active, workers
   * call it more than once a lease, or else every call finds a gap (see `leaseMs`).
   */
  maintain(request: MaintainRequest): Promise<MaintainReport>
  /**
   * Calls `hint` soon after something happened to the queue that a worker may care about: a job that can run
   * now or later, a pause or resume, a cancel of an active job. Never within the call that caused it. Only a hint:
   * it may come for nothing, and a lost one is made good by `look`. Returns the function that ends it.
   */
  watch(queue: string, hint: () => void): () => void
}

export interface ClaimRequest {
  readonly queue: string
  /** Only jobs of these types are taken. */
  readonly types: readonly string[]
  readonly owner: string
  /**
   * `owner:n`, with an n that this owner did not use before. Asking again with the same token, after a reply
   * that was lost, gives the same jobs again, those that are still held by it, and takes no others, pause or
   * not. When it holds none, it is a claim like any other.
   */
  readonly token: string
  /** How many at the most. 0 asks only for what else the answer tells. */
  readonly limit: number
  /** No more payload than this, in bytes; but always one job if there is one. */
  readonly maxBytes: number
  /** The first so many of the answer are recorded as started in the same step. */
  readonly start: number
  readonly leaseMs: number
  /** The lease is never renewed beyond this many ms from now. Null: for as long as its owner renews. */
  readonly renewForMs: number | null
  /** `none`: no suspects. `only`: one suspect, and nothing else, whatever the limit. */
  readonly suspects: 'none' | 'only'
}

export interface ClaimResult {
  readonly jobs: readonly ClaimedJob[]
  /** A suspect of these types waits for a worker that has nothing else to do. */
  readonly suspectWaiting: boolean
  /**
   * Ms until the next delayed job of the queue can run. Null: none is delayed. A claim may promote what is due;
   * when it left some, this is 0, and maintain promotes it.
   */
  readonly nextDueMs: number | null
  readonly paused: boolean
  /** Grows with every pause, resume and cancel of an active job; when it did, `renew` tells what is still held. */
  readonly control: number
}

export interface ExchangeResult {
  readonly settled: readonly SettleResult[]
  readonly claimed: ClaimResult
}

export type StartResult = 'started' | 'stale' | 'paused'

export interface HeldClaim {
  readonly id: string
  readonly token: string
}

export interface ProgressUpdate {
  readonly ref: JobRef
  readonly progress: string
}

// --------------------------------------------------------------------------------------------- inspecting

export interface Inspecting {
  get(queue: string, id: string): Promise<JobRecord | undefined>
  /** Jobs in ascending `seq`. Pass the last `seq` as `after` for the next page. */
  list(filter: JobFilter): Promise<JobRecord[]>
  /** One row for each queue that was ever used, or for the one named (zeros when it was never used). */
  stats(queue?: string): Promise<QueueStats[]>
}

/** Every condition that is given must hold. */
export interface JobFilter {
  readonly queue: string
  readonly ids?: readonly string[]
  readonly states?: readonly JobState[]
  readonly types?: readonly string[]
  /** Jobs that have all of these tags. */
  readonly tags?: readonly string[]
  /** The `code` or `name` of the last error. */
  readonly error?: string
  /** Finished before this time, ms since the epoch. */
  readonly finishedBefore?: number
  /** Only those with a higher `seq`. */
  readonly after?: number
  /** How many at the most. */
  readonly limit: number
}

export interface QueueStats {
  readonly queue: string
  readonly counts: Readonly<Record<JobState, number>>
  readonly paused: boolean
  /** How long ago the oldest job that can run was enqueued, ms; 0 when there is none. */
  readonly oldestWaitingMs: number
}

// ----------------------------------------------------------------------------------------------- steering

export interface Steering {
  /** Nothing more is started by anyone until resumed. What runs goes on. */
  pause(queue: string): Promise<void>
  resume(queue: string): Promise<void>
  /** Gives up jobs that are not finished. An active one loses its claim: its worker hears of it by `control`. */
  cancel(
    queue: string,
    ids: readonly string[],
    keepMs: number | null,
  ): Promise<('cancelled' | 'not-found' | 'finished')[]>
  /**
   * Dead and cancelled jobs that match wait again, with attempts and crashes at 0. Those of which no more than the
   * id was kept do not. One call looks at `limit` jobs that match; go on from `next`.
   */
  replay(filter: JobFilter): Promise<StepReport>
  /** Removes jobs that match and are not active, for ever: their ids can be added again. In steps, as replay. */
  purge(filter: JobFilter): Promise<StepReport>
}

export interface StepReport {
  readonly count: number
  /** The `seq` of the last job that was looked at, to pass as `after`; null when there are no more. */
  readonly next: number | null
}

// --------------------------------------------------------------------------------------------- scheduling

export interface Scheduling {
  /** The store's time of day, and the last tick of a schedule; null when it never ticked. */
  readSchedule(queue: string, name: string): Promise<{ readonly now: number; readonly tick: number | null }>
  /**
   * Moves a schedule from one tick to the next and enqueues the jobs of it, both or neither. Answers false, and
   * does nothing, when the last tick is not `from`: somebody else was first.
   */
  advanceSchedule(request: AdvanceRequest): Promise<boolean>
}

export interface AdvanceRequest {
  readonly queue: string
  readonly name: string
  readonly from: number | null
  readonly to: number
  readonly jobs: readonly NewJob[]
}

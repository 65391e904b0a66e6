/** Everything that `import ... from 'millhand'` offers, one name at a time. */
import { releaseClaims } from './queue/release-claims.ts'
import { releaseClaimsBy } from './worker/placement/claims.ts'

// A supervisor knows workers, not queues: here the two meet.
releaseClaimsBy(releaseClaims)

// Workers and who minds them
export { Worker } from './worker/worker.ts'
export { type WorkerOptions } from './worker/worker-options.ts'
export { type LifecycleEvent, type Restart, type WorkerState } from './worker/lifecycle.ts'
export { type Placement, type WorkerStatus } from './worker/status.ts'
export { ThreadWorker } from './worker/thread-worker.ts'
export { ProcessWorker } from './worker/process-worker.ts'
export { PeriodicWorker } from './worker/periodic-worker.ts'
export { WorkerHandle } from './worker/handle.ts'
export { type PlacementOptions } from './worker/placement/placement-options.ts'
export { Server } from './server/server.ts'
export { type ServerOptions, type ServerStatus } from './server/server-options.ts'
export { type ServerEvents } from './server/server-events.ts'
export { type RestartOptions, type SupervisionOptions } from './server/supervision-options.ts'
export { WorkerGroup } from './server/worker-group.ts'
export { type WorkerGroupEvents, type WorkerGroupOptions } from './server/worker-group-options.ts'
export { type GroupView, type ScalingRule } from './server/scaling.ts'
export { type SlotStatus } from './server/slot-status.ts'

// Durable queues
export { Queue, type AddedJob, type AddResult, type JobInput, type ListOptions } from './queue/queue.ts'
export { type Keep, type QueueOptions, type RetentionOptions } from './queue/queue-options.ts'
export { type AddOptions, type TransactionOptions } from './queue/add-options.ts'
export { type AnyQueue } from './queue/any-queue.ts'
export { type StoredJob } from './queue/stored-job.ts'
export { type JobSchemas, type PayloadIn, type PayloadOut } from './queue/schema.ts'
export { RetryPolicy, type RetryOptions } from './core/retry.ts'
export {
  DeadLetterQueue,
  type DeadLetter,
  type DeadLetterFilter,
  type DeadLetterReport,
} from './queue/dead-letter.ts'
export { jsonCodec, type Codec } from './queue/codec.ts'
export { openBackend } from './queue/open-backend.ts'

// Workers fed by a queue
export { type Handler, type Job, type JobContext, type JobOf, type Later } from './queue/consume/handler.ts'
export { QueueWorker, type DrainReport, type QueueWorkerOptions } from './queue/consume/queue-worker.ts'
export { EventWorker, type Handlers } from './queue/consume/event-worker.ts'
export {
  BatchWorker,
  type BatchItem,
  type BatchResult,
  type BatchWorkerOptions,
} from './queue/consume/batch-worker.ts'
export { type AdaptiveBatchOptions } from './queue/consume/adaptive-batch.ts'
export { ScheduledWorker, type ScheduledWorkerOptions } from './queue/consume/scheduled-worker.ts'
export { ProcessorChain, type Processor } from './queue/consume/processor-chain.ts'

// For those who write a backend
export type * from './queue/backend.ts'
export type * from './queue/job.ts'

// Events, metrics, health, configuration
export { EventBus } from './core/event-bus.ts'
export { MetricsCollector } from './observe/metrics-collector.ts'
export { HealthChecker } from './observe/health-checker.ts'
export { logEvents } from './observe/log-events.ts'
export { observe, type WorkerObserver } from './observe/observer.ts'
export { loadWorkerConfig, type WorkerConfig } from './core/worker-config.ts'
export { type Usage, type WorkerEvents, type FinishedAttempt, type KillCause } from './core/telemetry.ts'
export { createLogger, silentLogger, type Logger, type LoggerOptions } from './core/logger.ts'
export { systemClock, type Clock } from './core/clock.ts'
export { type Duration } from './core/duration.ts'

// Errors
export {
  BackendError,
  InvalidOptionError,
  InvalidPayloadError,
  JobCancelledError,
  JobTimeoutError,
  LeaseLostError,
  MillhandError,
  NonRetryableError,
  QueueFullError,
  ShutdownError,
  StateError,
  UnsupportedError,
  WorkerExitError,
  type ErrorCode,
  type PayloadIssue,
} from './core/errors.ts'

export { StreamGroup } from './stream-group.ts'
export type { StreamGroupEvents } from './stream-group-events.ts'
export type { StreamGroupOptions } from './stream-group-options.ts'
export type { StreamGroupStats, StreamSlotStats } from './group-stats.ts'
export { StreamWorker } from './stream-worker.ts'
export type { StreamWorkerSettings } from './stream-settings.ts'
export type { StreamMessage } from './stream-message.ts'
export type { Gap } from './gap.ts'
export type { WorkerStats } from './worker-stats.ts'
export type { QueueOutput, StreamOutput, StreamOutputs } from './outputs.ts'
export { memorySnapshots, type SavedPartition, type SnapshotStore } from './snapshot-store.ts'
export type { StateBatch } from './state-batch.ts'
export type { StreamWorkerClass } from './placed-class.ts'
export { MessageRouter, type RouterEvents } from './message-router.ts'
export type { RouterOptions } from './router-options.ts'
export type { RouterStats, SlotStats } from './router-stats.ts'
export { PARTITIONS, partitionOf } from './partition.ts'
export { StreamFeed, type StreamFeedOptions } from './source/feed.ts'
export { LeasedSource } from './source/leased-source.ts'
export type {
  Assignment,
  ShardStatus,
  SourceConsumer,
  SourceEvents,
  SourceRecord,
  SourceStatus,
  StreamSource,
} from './source/source.ts'
export type {
  Claim,
  Commit,
  GroupView,
  Lease,
  ReadResult,
  Release,
  ShardHints,
  ShardStore,
} from './source/shard-store.ts'
export type { FeedTarget } from './source/feed-target.ts'
export type { StreamProducer } from './source/producer.ts'
export { checkSourceOptions, type CheckedSourceOptions, type SourceOptions } from './source/source-options.ts'

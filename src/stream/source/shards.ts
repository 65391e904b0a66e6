import { PARTITIONS, partitionOf } from '../partition.ts'

/** The shard of a partition: every partition is in one shard, so what a process owns are whole partitions. */
export function shardOf(partition: number, shards: number): number {
  return partition % shards
}

/** The shard of a key, for whoever appends. */
export function shardOfKey(key: string, shards: number): number {
  return shardOf(partitionOf(key), shards)
}

/** The partitions of a shard, in order. */
export function partitionsOf(shard: number, shards: number): number[] {
  const partitions: number[] = []
  for (let partition = shard; partition < PARTITIONS; partition += shards) partitions.push(partition)
  return partitions
}

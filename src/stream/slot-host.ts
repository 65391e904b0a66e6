import type { Emitter } from '../core/events.ts'
import type { Logger } from '../core/logger.ts'
import type { FromWorker } from './control.ts'
import type { GroupSlot, SlotHost } from './group-slot.ts'
import type { MessageRouter } from './message-router.ts'
import type { Mover } from './mover.ts'
import type { Outputs } from './outputs.ts'
import type { Ownership } from './ownership.ts'
import type { Queries } from './queries.ts'
import { grantsOf } from './recovery.ts'
import type { SnapshotKeeper } from './snapshot-keeper.ts'
import type { StreamGroupEvents } from './stream-group-events.ts'
import type { StreamSettings } from './stream-settings.ts'

/** What a group is made of, as far as its slots use it. */
export interface SlotHostParts {
  readonly settings: StreamSettings
  readonly maxCrashes: number
  readonly logger: Logger
  readonly events: Emitter<StreamGroupEvents>
  readonly router: MessageRouter
  readonly ownership: Ownership
  readonly keeper: SnapshotKeeper
  readonly mover: Mover
  readonly queries: Queries
  readonly outputs: Outputs
  /** Aborts when the group has ended; of the present life of the group. */
  readonly signal: () => AbortSignal
}

/** Brings what the workers of a group need, say and suffer to the part of the group whose business it is. */
export function slotHost(parts: SlotHostParts): SlotHost {
  const { logger, events, mover, settings, maxCrashes, outputs } = parts
  const gaps = new Map<GroupSlot, number>()
  return {
    ...{ logger, maxCrashes },
    prepare: async (slot) => {
      const grants = await grantsOf(slot, parts.router, parts.ownership, parts.keeper)
      gaps.set(slot, grants.filter(({ gap }) => gap !== undefined).length)
      return { settings, outputs: outputs.names, grants }
    },
    onLive: (slot, error) => {
      if (error === undefined) return
      events.emit('recovered', { slot: slot.id, error, gaps: gaps.get(slot) ?? 0 })
    },
    onDeath: (slot) => mover.onDeath(slot),
    onPoison: (slot) => {
      logger.error({ slot: slot.id }, 'a message of which worker after worker died is skipped')
      events.emit('poison', { slot: slot.id })
    },
    hear: (slot, message) => hear(parts, slot, message),
  }
}

function hear(parts: SlotHostParts, slot: GroupSlot, message: FromWorker): void {
  const { queries, keeper, events, outputs, mover, signal } = parts
  switch (message.kind) {
    case 'answer':
      return queries.answer(message.id, message.answer)
    case 'snapshot':
      return keeper.save(message.batch)
    case 'saved':
      return keeper.complete(message.partition, message.sequence)
    case 'cleared':
      return keeper.clear(message.partition)
    case 'stats':
      return events.emit('stats', { slot: slot.id, stats: message.stats })
    case 'emit': {
      const { epoch } = message
      const taken = outputs.take(message.items, signal())
      return void taken.then(() => slot.taken(epoch, message.items.length))
    }
    case 'states':
    case 'copied':
    case 'released':
    case 'granted':
      return mover.hear(slot, message)
    case 'begun':
  }
}

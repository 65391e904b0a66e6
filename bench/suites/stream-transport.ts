import type { Case } from '../case.ts'
import { bytesThroughGroup } from '../loads/stream/bytes.ts'
import { sentAll } from '../loads/stream/line.ts'
import { postBytes } from '../peers/stream/post-bytes.ts'

const count = (messages: number): number => messages

/** What it costs to bring a message to its worker, whatever that does with it. */
export const transportCases: readonly Case[] = [
  {
    name: 'transport',
    about:
      'Messages of 590 bytes to a thread that reads their number and nothing else, against one postMessage of the bytes for each.',
    unit: 'messages/s',
    better: 'higher',
    jobs: { full: 2_000_000, quick: 300_000, 'warm-up': 0 },
    millhand: sentAll(bytesThroughGroup, count),
    peers: { postMessage: sentAll(postBytes, count) },
  },
]

import type { Case } from '../case.ts'
import { asMaps, asMarkets, bookBytes } from '../loads/stream/book-bytes.ts'
import { bytesThroughGroup } from '../loads/stream/bytes.ts'
import { handoverPauses } from '../loads/stream/handover.ts'
import { latencyOf } from '../loads/stream/latency.ts'
import { sentAll } from '../loads/stream/line.ts'
import { throughGroup } from '../loads/stream/millhand.ts'
import { routing } from '../loads/stream/routing.ts'
import { postBytes } from '../peers/stream/post-bytes.ts'
import { postMessages } from '../peers/stream/post-message.ts'

const count = (messages: number): number => messages
const LATENCY = { full: 250_000, quick: 50_000, 'warm-up': 0 }

/** What it costs to bring a message to its worker, and how soon it is there. */
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
  {
    name: 'latency-p50',
    about:
      'Frames of order-book that come 50,000 a second whatever becomes of them: from the time at which each was due until it is applied, the median. The sender looks at the clock in each turn of its event loop, as a socket would wake it.',
    unit: 'ms',
    better: 'lower',
    jobs: LATENCY,
    millhand: latencyOf(throughGroup('thread'), 50),
    peers: { postMessage: latencyOf(postMessages(), 50) },
  },
  {
    name: 'latency-p99',
    about: 'The same, the 99th percentile.',
    unit: 'ms',
    better: 'lower',
    jobs: LATENCY,
    millhand: latencyOf(throughGroup('thread'), 99),
    peers: { postMessage: latencyOf(postMessages(), 99) },
  },
  {
    name: 'handover-pause-p99',
    about:
      'One worker becomes two and one again while 20,000 frames a second come for 1,000 books of 100 levels in one partition: for how long messages of that partition are held back when it moves, the 99th percentile.',
    unit: 'ms',
    better: 'lower',
    jobs: { full: 100, quick: 10, 'warm-up': 0 },
    rounds: 3,
    millhand: handoverPauses,
    peers: {},
    yardstick: 'median',
  },
  {
    name: 'routing-growth',
    about:
      'What a call of route takes with messages of 590 bytes to a million keys in no order, each known before, against a thousand keys.',
    unit: 'ns',
    better: 'lower',
    jobs: { full: 2_000_000, quick: 300_000, 'warm-up': 0 },
    rounds: 3,
    label: '1,000,000 keys',
    millhand: routing(1_000_000),
    peers: { '1,000 keys': routing(1_000) },
  },
  {
    name: 'book-bytes',
    about:
      'What a book of 100 levels takes, with its part of its market, after changes: the heap after a collection, and what it holds outside of it. Against two maps from price to size a book, both as text.',
    unit: 'bytes',
    better: 'lower',
    jobs: { full: 4_000, quick: 1_000, 'warm-up': 0 },
    rounds: 3,
    millhand: bookBytes(asMarkets),
    peers: { maps: bookBytes(asMaps) },
  },
]

import type { Case } from '../case.ts'
import { makeFrames, type Frames } from '../loads/stream/frames.ts'
import { sentAll } from '../loads/stream/line.ts'
import { bareLoop } from '../loads/stream/loop.ts'
import { throughGroup } from '../loads/stream/millhand.ts'
import { forkIpc } from '../peers/stream/fork-ipc.ts'
import { sticky } from '../peers/stream/piscina.ts'
import { postKeysAndBytes, postMessages } from '../peers/stream/post-message.ts'
import { PYTHON, pythonMissing, throughPython } from '../peers/stream/python.ts'

const FRAMES = { full: 240_000, quick: 40_000, 'warm-up': 0 }
const withBytes = (count: number): Frames => makeFrames(count, { bytes: true })

/** Frames of a market-data feed become books in a worker that owns them. Another core only brings them. */
export const bookCases: readonly Case[] = [
  {
    name: 'order-book',
    about:
      'Changes of order books, 590 bytes each, of 100 markets: a thread reads each by the scanner of examples/order-book and applies it to the books of its market. Against one postMessage for each: of its text, read by that scanner or by JSON.parse, or of its key and bytes; and against piscina with a pool of one thread for each worker, so that a key stays with its own. 5,000 are on the way at the most (piscina: 1,000, since more would not stay in order).',
    unit: 'messages/s',
    better: 'higher',
    jobs: FRAMES,
    quickly: ['postMessage'],
    millhand: sentAll(throughGroup('thread', 'bytes'), withBytes),
    peers: {
      postMessage: sentAll(postMessages(1, true), makeFrames),
      'postMessage, JSON.parse': sentAll(postMessages(), makeFrames),
      'postMessage of key and bytes': sentAll(postKeysAndBytes, withBytes),
      piscina: sentAll(sticky({ perWorker: 1000, atomics: 'sync' }), makeFrames),
    },
  },
  {
    name: 'order-book-vs-batches',
    about:
      'The same, against texts that are collected and posted 256 or 32 at a time: fast, and late, since each waits until there are so many.',
    unit: 'messages/s',
    better: 'higher',
    jobs: FRAMES,
    quickly: 'not at all',
    millhand: sentAll(throughGroup('thread', 'bytes'), withBytes),
    peers: {
      '256 in a postMessage': sentAll(postMessages(256, true), makeFrames),
      '32 in a postMessage': sentAll(postMessages(32, true), makeFrames),
    },
  },
  {
    name: 'order-book-vs-loop',
    about:
      'The same by JSON.parse, against one loop in one thread that decodes, parses and applies: the limit.',
    unit: 'messages/s',
    better: 'higher',
    jobs: FRAMES,
    millhand: sentAll(throughGroup('thread'), makeFrames),
    peers: { 'bare loop': sentAll(bareLoop(false), withBytes) },
  },
  {
    name: 'order-book-vs-loop-scanned',
    about: 'The same by the scanner, against one loop in one thread that scans and applies.',
    unit: 'messages/s',
    better: 'higher',
    jobs: FRAMES,
    quickly: 'not at all',
    millhand: sentAll(throughGroup('thread', 'bytes'), withBytes),
    peers: { 'bare loop': sentAll(bareLoop(true), withBytes) },
  },
  {
    name: 'order-book-vs-python',
    about:
      'The same by JSON.parse, against Python: a process that takes the frames from a multiprocessing.Queue, reads them with json.loads and does the same with its books: exact numbers, sorted sides, best prices compared.',
    unit: 'messages/s',
    better: 'higher',
    jobs: FRAMES,
    rounds: 3,
    millhand: sentAll(throughGroup('thread'), makeFrames),
    peers: { [PYTHON]: throughPython },
    ...(pythonMissing === undefined ? {} : { missing: pythonMissing }),
  },
  {
    name: 'process-placement',
    about:
      'The same by JSON.parse in a worker process, against batches of 32 texts over the channel of fork, in both of its forms.',
    unit: 'messages/s',
    better: 'higher',
    jobs: FRAMES,
    millhand: sentAll(throughGroup('process'), makeFrames),
    peers: {
      'fork, advanced': sentAll(forkIpc('advanced', 32), makeFrames),
      'fork, json': sentAll(forkIpc('json', 32), makeFrames),
    },
  },
]

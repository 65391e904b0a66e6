import type { Suite } from '../case.ts'
import { bookCases } from './stream-books.ts'
import { transportCases } from './stream-transport.ts'

/** Keyed streams: what it costs to bring messages to the workers of their keys, and what those can do meanwhile. */
export const suite: Suite = { name: 'stream', cases: [...bookCases, ...transportCases] }

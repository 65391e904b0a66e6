import type { SlotReader } from './slot-reader.ts'

/** What a life of a worker needs of the reader of its slot. Each frame is committed or held, one or the other. */
export type FrameReader = Pick<
  SlotReader,
  | 'kind'
  | 'partition'
  | 'sequence'
  | 'key'
  | 'token'
  | 'routedAt'
  | 'isClosed'
  | 'next'
  | 'text'
  | 'bytes'
  | 'commit'
  | 'hold'
  | 'release'
  | 'flush'
  | 'wait'
  | 'wake'
  | 'close'
>

import { Frame, type FrameKind } from '../../../src/stream/frame.ts'
import type { FrameReader } from '../../../src/stream/frame-reader.ts'
import { monotonicMs } from '../../../src/stream/monotonic-ms.ts'
import { partitionOf } from '../../../src/stream/partition.ts'
import type { HeldFrame } from '../../../src/stream/slot-reader.ts'

interface Listed {
  readonly kind: FrameKind
  readonly partition: number
  readonly sequence: number
  readonly key: string
  readonly token: number
  readonly data: string
}

/** Frames out of a list, in the place of those of a ring. */
export class FrameList implements FrameReader {
  kind: FrameKind = Frame.text
  partition = 0
  sequence = 0
  key = ''
  token = 0
  routedAt = 0
  isClosed = false
  readonly #frames: Listed[] = []
  readonly #sequences = new Map<number, number>()
  readonly #held: HeldFrame[] = []
  #at = -1
  #committed = 0
  #wake: () => void = () => {}

  /** So many frames in front are done. */
  get committed(): number {
    return this.#committed
  }

  message(key: string, data: string, partition: number = partitionOf(key)): this {
    return this.#add(Frame.text, partition, key, data, 0, 1)
  }

  gap(key: string, count: number, partition: number = partitionOf(key)): this {
    return this.#add(Frame.gap, partition, key, '', count, 1)
  }

  query(key: string, id: number, request: unknown): this {
    return this.#add(Frame.query, partitionOf(key), key, JSON.stringify(request), id, 0)
  }

  barrier(token: number): this {
    return this.#add(Frame.barrier, 0, '', '', token, 0)
  }

  mark(partition: number, id: number, epoch: number): this {
    return this.#add(Frame.grant, partition, '', String(epoch), id, 0)
  }

  next(): boolean {
    const frame = this.#frames[this.#at + 1]
    if (frame === undefined) return false
    this.#at++
    Object.assign(this, frame, { routedAt: monotonicMs() })
    return true
  }

  text(): string {
    return this.#frames[this.#at]!.data
  }

  bytes(): Uint8Array {
    return new TextEncoder().encode(this.text())
  }

  commit(): void {
    this.hold().isDone = true
    this.#pass()
  }

  hold(): HeldFrame {
    const held = { isDone: false, at: this.#at, frames: 1, routedAt: 0 }
    this.#held.push(held)
    return held
  }

  release(held: HeldFrame): void {
    held.isDone = true
    this.#pass()
  }

  flush(): void {}

  wait(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }

  wake(): void {
    this.#wake()
  }

  close(): void {
    this.isClosed = true
  }

  #add(kind: FrameKind, partition: number, key: string, data: string, token: number, counts: number): this {
    const sequence = (this.#sequences.get(partition) ?? 0) + counts
    this.#sequences.set(partition, sequence)
    this.#frames.push({ kind, partition, sequence, key, data, token })
    this.#wake()
    return this
  }

  #pass(): void {
    while (this.#held[0]?.isDone === true) {
      this.#held.shift()
      this.#committed++
    }
  }
}

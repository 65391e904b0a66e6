import type { Transferable } from 'node:worker_threads'

/** Lists of what moves with a value, kept beside the values themselves. */
const lists = new WeakMap<object, readonly Transferable[]>()

/**
 * Lets parts of a result move to the pool instead of being copied: `return transfer(pixels, [pixels.buffer])`.
 * What was moved can no longer be used here. Without a list, the value itself moves.
 */
export function transfer<T extends object>(value: T, list?: readonly Transferable[]): T {
  lists.set(value, list ?? [movable(value)])
  return value
}

export function transferListOf(value: unknown): readonly Transferable[] | undefined {
  return typeof value === 'object' && value !== null ? lists.get(value) : undefined
}

function movable(value: object): Transferable {
  return (ArrayBuffer.isView(value) ? value.buffer : value) as Transferable
}

import { memory, type MemoryOptions } from '../../../src/backends/memory/index.ts'
import type { Backend, Capabilities } from '../../../src/queue/backend.ts'

/** The operations of a backend that answer with a promise. */
export type Operation = {
  [K in keyof Backend]-?: Backend[K] extends (...args: never[]) => Promise<unknown> ? K : never
}[keyof Backend]

type Call = { readonly operation: Operation; readonly args: readonly unknown[] }

/**
 * What a test puts between the runtime and the store. `next` makes the real call; what it does not return, or
 * throws instead, is what the runtime sees.
 */
export type Interference = (call: Call, next: () => Promise<unknown>) => Promise<unknown>

export interface WrappedBackend {
  readonly backend: Backend
  /** All calls so far. */
  readonly calls: Call[]
  readonly count: (operation: Operation) => number
  /** Takes the place of what was put between before. Undefined: nothing. */
  readonly interfere: (interference: Interference | undefined) => void
}

/** A memory store that counts its calls, and in whose way a test can stand. */
export function wrapped(
  options: MemoryOptions & {
    readonly backend?: Backend
    readonly reconnect?: () => void
    /** What it says of itself otherwise. */
    readonly capabilities?: Partial<Capabilities>
  } = {},
): WrappedBackend {
  const { backend: given, reconnect, capabilities, ...rest } = options
  const store = given ?? memory(rest)
  const calls: Call[] = []
  let between: Interference | undefined
  const backend = new Proxy(store, {
    get(target, name) {
      if (name === 'reconnect') return reconnect
      if (name === 'capabilities') return { ...target.capabilities, ...capabilities }
      const member: unknown = Reflect.get(target, name, target)
      if (typeof member !== 'function') return member
      if (name === 'watch') return member.bind(target) as unknown
      return (...args: unknown[]) => {
        const call: Call = { operation: name as Operation, args }
        calls.push(call)
        const next = (): Promise<unknown> => Reflect.apply(member, target, args) as Promise<unknown>
        return between === undefined ? next() : between(call, next)
      }
    },
  })
  return {
    backend,
    calls,
    count: (operation) => calls.filter((call) => call.operation === operation).length,
    interfere: (interference) => {
      between = interference
    },
  }
}

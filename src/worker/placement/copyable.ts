import { builtin } from '../../core/builtin.ts'
import { InvalidOptionError, show } from '../../core/errors.ts'
import type { Placement } from '../status.ts'

/**
 * Checks that values can cross to a child.
 * @throws InvalidOptionError naming the first that cannot, with the reason.
 */
export function checkCopyable(values: object, placement: Exclude<Placement, 'inline'>, worker: string): void {
  const copy = placement === 'thread' ? structuredClone : copyToProcess
  if (tryCopy(copy, values) === undefined) return
  for (const [name, value] of Object.entries(values)) {
    const reason = tryCopy(copy, value)
    if (reason === undefined) continue
    throw new InvalidOptionError(
      name,
      `expected ${name} of worker ${worker} to be data that can be copied into a ${placement} (no functions, ` +
        `sockets or other handles; structured clone says: ${reason}), got: ${show(value)}; open what it needs in setup()`,
    )
  }
}

/** The line to a process alone would make an empty object of a URL, a server and other things of the platform. */
function copyToProcess(value: unknown): void {
  structuredClone(value)
  builtin.v8.serialize(value)
}

function tryCopy(copy: (value: unknown) => unknown, value: unknown): string | undefined {
  try {
    copy(value)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

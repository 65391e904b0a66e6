import { BackendError } from 'millhand'

/** @returns what was wrong, when adding was not refused with a clear reason. */
export async function expectRefusal(add: () => Promise<void>, message: RegExp): Promise<string[]> {
  try {
    await add()
    return ['expected an add to be refused, got none']
  } catch (error) {
    if (error instanceof BackendError && message.test(error.message)) return []
    return [`expected a BackendError that matches ${String(message)}, got: ${String(error)}`]
  }
}

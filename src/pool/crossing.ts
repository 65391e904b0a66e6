/**
 * Checks that a message can be copied as it is. The line to a process alone would make an empty object of a URL, a
 * MessagePort and other things of the platform, and tell nobody.
 * @throws DataCloneError.
 */
export function checkCrossing(values: readonly unknown[]): void {
  if (values.some(isObject)) structuredClone(values)
}

function isObject(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(isObject)
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}

/** JSON on one line, or indented. Bytes, which another codec may have stored, become `{ "base64": "..." }`. */
export function jsonText(value: unknown, indent = 0): string {
  return JSON.stringify(value, bytesAsBase64, indent) ?? 'null'
}

/** `this` is asked because a Buffer has already turned itself into something else when its turn comes. */
function bytesAsBase64(this: unknown, key: string, value: unknown): unknown {
  const original: unknown = (this as Record<string, unknown>)[key]
  if (original instanceof Uint8Array) return { base64: Buffer.from(original).toString('base64') }
  return value
}

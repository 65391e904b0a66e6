import type { Encoded } from '../../queue/job.ts'

/** How a payload or result is kept; two bits of a record. 3 says that nothing was kept. */
export const KIND = { text: 0, bytes: 1, wtf8: 2, none: 3 } as const
export type Kind = (typeof KIND)[keyof typeof KIND]

/**
 * Text as UTF-8. Lone surrogates have no place in that; a text with some is kept in WTF-8
 * (https://simonsapin.github.io/wtf-8/), which gives them the three bytes that they would have.
 */
export function stored(encoded: Encoded): { kind: Kind; bytes: Uint8Array } {
  if (typeof encoded !== 'string') return { kind: KIND.bytes, bytes: encoded }
  if (encoded.isWellFormed()) return { kind: KIND.text, bytes: Buffer.from(encoded) }
  return { kind: KIND.wtf8, bytes: wtf8(encoded) }
}

export function unstored(kind: number, bytes: Buffer): Encoded {
  if (kind === KIND.text) return bytes.toString()
  // A copy: the bytes are part of a reply, which would be kept alive, and changed, with them.
  if (kind === KIND.bytes) return new Uint8Array(bytes)
  return kind === KIND.wtf8 ? fromWtf8(bytes) : ''
}

function wtf8(text: string): Buffer {
  const parts: Buffer[] = []
  for (const character of text) {
    const code = character.codePointAt(0)!
    const isSurrogate = code >= 0xd800 && code <= 0xdfff
    parts.push(
      isSurrogate
        ? Buffer.from([0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f)])
        : Buffer.from(character),
    )
  }
  return Buffer.concat(parts)
}

function fromWtf8(bytes: Buffer): string {
  let text = ''
  let from = 0
  for (let at = 0; at < bytes.length; at++) {
    // In UTF-8 what follows ED is below A0; surrogates are above.
    if (bytes[at] !== 0xed || bytes[at + 1]! < 0xa0) continue
    text += bytes.toString('utf8', from, at)
    text += String.fromCharCode(0xd000 | ((bytes[at + 1]! & 0x3f) << 6) | (bytes[at + 2]! & 0x3f))
    from = at + 3
    at += 2
  }
  return text + bytes.toString('utf8', from)
}

import { fastText } from './fast-text.ts'

const FNV_OFFSET = 0x811c9dc5
const FNV_PRIME = 0x01000193
/** Longer texts are hashed from their bytes: reading a text by its characters is slow, except for short ones. */
const SHORT = 32
const scratch = Buffer.allocUnsafeSlow(1024)
const scratchText = fastText(scratch)
/** Texts up to this fit into the scratch bytes, whatever they consist of. */
const LONG = Math.floor(scratch.length / 3)
/** What a lone surrogate becomes in UTF-8. */
const REPLACEMENT = 0xfffd

/**
 * FNV-1a of 32 bits over the UTF-8 bytes of a text, as published by Fowler, Noll and Vo; any language can compute
 * the same. Test vectors: '' 811c9dc5, 'a' e40c292c, 'foobar' bf9cf968.
 * @returns an integer from 0 to 2 ** 32 - 1.
 */
export function fnv1a32(text: string): number {
  if (text.length > SHORT && text.length <= LONG) return fnvOfBytes(text)
  let hash = FNV_OFFSET
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    // The bytes of the rest are computed by a function of its own, so that this loop stays small.
    if (unit > 0x7f) return fnvFrom(text, i, hash)
    hash = Math.imul(hash ^ unit, FNV_PRIME)
  }
  return hash >>> 0
}

function fnvOfBytes(text: string): number {
  const length = scratchText.utf8Write(text, 0, scratch.length)
  let hash = FNV_OFFSET
  for (let i = 0; i < length; i++) hash = Math.imul(hash ^ scratch[i]!, FNV_PRIME)
  return hash >>> 0
}

function fnvFrom(text: string, start: number, begun: number): number {
  let hash = begun
  for (let i = start; i < text.length; i++) {
    let point = text.codePointAt(i)!
    if (point > 0xffff) i++
    else if (point >= 0xd800 && point <= 0xdfff) point = REPLACEMENT
    if (point < 0x80) {
      hash = Math.imul(hash ^ point, FNV_PRIME)
      continue
    }
    if (point < 0x800) {
      hash = Math.imul(hash ^ (0xc0 | (point >> 6)), FNV_PRIME)
    } else {
      if (point < 0x10000) {
        hash = Math.imul(hash ^ (0xe0 | (point >> 12)), FNV_PRIME)
      } else {
        hash = Math.imul(hash ^ (0xf0 | (point >> 18)), FNV_PRIME)
        hash = Math.imul(hash ^ (0x80 | ((point >> 12) & 0x3f)), FNV_PRIME)
      }
      hash = Math.imul(hash ^ (0x80 | ((point >> 6) & 0x3f)), FNV_PRIME)
    }
    hash = Math.imul(hash ^ (0x80 | (point & 0x3f)), FNV_PRIME)
  }
  return hash >>> 0
}

/**
 * The finaliser of MurmurHash3 (Austin Appleby): spreads each bit over all, as the low bits of FNV alone are poor.
 * Test vectors: 0 -> 0, 1 -> 514e28b7, 0xffffffff -> 81f16f39.
 * @returns an integer from 0 to 2 ** 32 - 1.
 */
export function fmix32(hash: number): number {
  let mixed = hash
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}

import { stored } from './text.ts'

/** The most bytes that UTF-8 makes of one unit of a string. */
const WIDEST = 3

/** Writes numbers and texts behind each other, most significant byte first. */
export class Writer {
  #buffer: Buffer
  #at = 0

  constructor(size: number) {
    this.#buffer = Buffer.allocUnsafe(size)
  }

  uint8(value: number): void {
    this.#room(1)
    this.#buffer[this.#at++] = value
  }

  uint16(value: number): void {
    this.#room(2)
    this.#at = this.#buffer.writeUInt16BE(value, this.#at)
  }

  uint48(value: number): void {
    this.#room(6)
    this.#at = this.#buffer.writeUIntBE(Math.min(Math.ceil(value), MAX_48), this.#at, 6)
  }

  double(value: number): void {
    this.#room(8)
    this.#at = this.#buffer.writeDoubleBE(value, this.#at)
  }

  text(value: string): void {
    this.#room(value.length * WIDEST)
    this.#at += this.#buffer.write(value, this.#at)
  }

  /** A text behind its length in two bytes. */
  text16(value: string): void {
    const at = this.skip(2)
    this.text(value)
    this.#buffer.writeUInt16BE(this.#at - at - 2, at)
  }

  /** A text behind its length in four bytes. */
  text32(value: string): void {
    const at = this.skip(4)
    this.text(value)
    this.lengthAt(at)
  }

  bytes(value: Uint8Array | string): void {
    const { bytes } = stored(value)
    this.#room(bytes.byteLength)
    this.#buffer.set(bytes, this.#at)
    this.#at += bytes.byteLength
  }

  /** Leaves room for what is known later. @returns where. */
  skip(count: number): number {
    this.#room(count)
    const at = this.#at
    this.#at += count
    return at
  }

  /** Writes into four bytes that were left free how much came behind them. */
  lengthAt(at: number): void {
    this.#buffer.writeUInt32BE(this.#at - at - 4, at)
  }

  done(): Buffer {
    return this.#buffer.subarray(0, this.#at)
  }

  #room(count: number): void {
    if (this.#at + count <= this.#buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#at + count))
    this.#buffer.copy(larger, 0, 0, this.#at)
    this.#buffer = larger
  }
}

const MAX_48 = 2 ** 48 - 1

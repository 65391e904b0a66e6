/**
 * Arrays in the binary format of Postgres: to write them is a copy, and the server need not parse them. A driver
 * sends a Buffer as it is. (Results come as JSON: the driver reads them as text, whatever they are.) https://www.postgresql.org/docs/current/protocol-overview.html#PROTOCOL-FORMAT-CODES
 */
const OID = { bool: 16, int8: 20, int2: 21, int4: 23, text: 25 } as const
const WIDTH = { bool: 1, int8: 8, int2: 2, int4: 4 } as const
/** Dimensions, whether there are nulls, the type, the length and the lower bound. */
const HEADER = 20

type Value = string | number | boolean | null

/** An array of numbers or booleans. */
export function fixedArray(
  type: 'bool' | 'int2' | 'int4' | 'int8',
  values: readonly (number | boolean | null)[],
): Buffer {
  const width = WIDTH[type]
  const buffer = Buffer.allocUnsafe(HEADER + values.length * (4 + width))
  let at = header(buffer, OID[type], values)
  for (const value of values) {
    if (value === null) {
      at = buffer.writeInt32BE(-1, at)
      continue
    }
    at = buffer.writeInt32BE(width, at)
    if (type === 'int4') at = buffer.writeInt32BE(value as number, at)
    else if (type === 'int8') {
      at = buffer.writeInt32BE(Math.floor((value as number) / 0x1_0000_0000), at)
      at = buffer.writeUInt32BE((value as number) >>> 0, at)
    } else if (type === 'int2') at = buffer.writeInt16BE(value as number, at)
    else at = buffer.writeUInt8(value === true ? 1 : 0, at)
  }
  return buffer.subarray(0, at)
}

/** The same of text. */
export function textArray(values: readonly (string | null)[]): Buffer {
  let size = HEADER + values.length * 4
  // No character has more than three bytes for each of its UTF-16 units.
  for (const value of values) size += value === null ? 0 : value.length * 3
  const buffer = Buffer.allocUnsafe(size)
  let at = header(buffer, OID.text, values)
  for (const value of values) {
    if (value === null) {
      at = buffer.writeInt32BE(-1, at)
      continue
    }
    const written = buffer.write(value, at + 4, 'utf8')
    buffer.writeInt32BE(written, at)
    at += 4 + written
  }
  return buffer.subarray(0, at)
}

/** Null for an array of nothing but nulls: rare fields cost nothing where no job has any. */
export function orNull<T extends Value>(
  values: readonly T[],
  encode: (values: readonly T[]) => Buffer,
): Buffer | null {
  return values.every((value) => value === null) ? null : encode(values)
}

function header(buffer: Buffer, oid: number, values: readonly Value[]): number {
  buffer.writeInt32BE(1, 0)
  buffer.writeInt32BE(values.includes(null) ? 1 : 0, 4)
  buffer.writeInt32BE(oid, 8)
  buffer.writeInt32BE(values.length, 12)
  return buffer.writeInt32BE(1, 16)
}

/** What is in such a Buffer, in the text format, for drivers that send nothing else. */
export function arrayText(buffer: Buffer): string {
  const oid = buffer.readInt32BE(8)
  const items: string[] = []
  for (let at = HEADER; at < buffer.length;) {
    const size = buffer.readInt32BE(at)
    at += 4
    if (size < 0) items.push('NULL')
    else {
      items.push(itemText(oid, buffer.subarray(at, at + size)))
      at += size
    }
  }
  return `{${items.join(',')}}`
}

function itemText(oid: number, item: Buffer): string {
  switch (oid) {
    case OID.int2:
      return String(item.readInt16BE())
    case OID.int4:
      return String(item.readInt32BE())
    case OID.int8:
      return String(item.readBigInt64BE())
    case OID.bool:
      return item[0] === 0 ? 'f' : 't'
    default:
      return `"${item.toString().replaceAll(/["\\]/g, '\\$&')}"`
  }
}

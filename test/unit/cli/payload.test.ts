import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { parsePayload, readPayload } from '../../../src/cli/payload.ts'

describe('a payload from the command line', () => {
  test('is null when none was typed, and standard input is not waited for', async () => {
    const never = new Readable({ read: () => {} })
    expect(await readPayload(undefined, never)).toBeNull()
  })

  test('comes through standard input for -, in pieces that may cut a character', async () => {
    const bytes = Buffer.from('{"to":"Zoë"}')
    const stdin = Readable.from([bytes.subarray(0, 10), bytes.subarray(10)])
    expect(await readPayload('-', stdin)).toEqual({ to: 'Zoë' })
  })

  test('that is not JSON is refused with line and column', () => {
    expect(() => parsePayload('{"to":\n ada}', 'the payload')).toThrow(
      'expected the payload to be JSON; at line 2, column 2 expected a value, got: ada}',
    )
    expect(() => parsePayload('[1', 'standard input')).toThrow(/standard input .* column 3 .* got: its end/)
  })

  test('whose numbers JavaScript would change is refused instead of changed', () => {
    expect(() => parsePayload('{"id":12345678901234567890}', 'the payload')).toThrow(/12345678901234567890/)
    expect(() => parsePayload('[1e999]', 'the payload')).toThrow(/1e999/)
    expect(parsePayload('[9007199254740991, 0.1, -0, 1e5]', 'the payload')).toEqual([
      9007199254740991, 0.1, -0, 1e5,
    ])
  })

  test('that is not UTF-8 is refused', async () => {
    await expect(readPayload('-', Readable.from([Buffer.from([0x22, 0xff, 0x22])]))).rejects.toThrow('UTF-8')
  })
})

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { generateFrames } from '../../../../examples/order-book/frames.ts'
import { FrameParser } from '../../../../examples/order-book/parser.ts'
import { PriceChangeScanner } from '../../../../examples/order-book/price-change-scanner.ts'

const generated = generateFrames({ seed: 1, markets: 2, count: 400 })
const texts: string[] = []
let next = generated.next()
for (; next.done !== true; next = generated.next()) texts.push(next.value.text)
const scanners = new Map(
  next.value.markets.map(({ market, assets }) => [market, new PriceChangeScanner(market, assets)]),
)
const changes = texts.filter((text) => text.includes('"price_changes"'))

/** What the scanners read; undefined when they leave it to the parser. */
function scan(bytes: Uint8Array): unknown {
  for (const scanner of scanners.values()) {
    const event = scanner.scan(bytes)
    if (event !== undefined) return event
  }
  return undefined
}

test('it reads the changes of its market as the parser does, and nothing else', () => {
  for (const text of texts) {
    const read = scan(Buffer.from(text))
    if (changes.includes(text)) expect([read]).toEqual(new FrameParser().parse(text))
    else expect(read).toBeUndefined()
  }
})

test('whatever is changed in a frame: what it still reads, it reads as the parser does', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      '"',
      '\\',
      '0',
      '1',
      '.',
      '-',
      'e',
      ',',
      '}',
      ']',
      ' ',
      '\n',
      'BUY',
      '1e-7',
      '0.00001',
      'é',
    ),
    fc.constantFrom('9'.repeat(20), '\u0000', '"size":"1"', '0.50', '.5', '5.'),
  )
  let read = 0
  const mutation = fc.tuple(fc.nat(), fc.nat({ max: 12 }), piece)
  fc.assert(
    fc.property(fc.nat(), fc.array(mutation, { minLength: 1, maxLength: 3 }), (which, mutations) => {
      let text = changes[which % changes.length]!
      for (const [at, length, put] of mutations) {
        const from = at % text.length
        text = text.slice(0, from) + put + text.slice(from + length)
      }
      const event = scan(Buffer.from(text))
      if (event === undefined) return
      read++
      expect([event]).toEqual(new FrameParser().parse(text))
    }),
    { numRuns: 3000 },
  )
  expect(read).toBeGreaterThan(0)
})

test('numbers in other words are read alike, or left to the parser', () => {
  const number = fc.oneof(
    fc.stringMatching(/^\d{0,3}\.?\d{0,7}$/),
    fc.constantFrom('0', '1', '', '.', '1.0', '9007199254.740991', '9007199254.740992', '-1', '1e3'),
  )
  const price = fc.oneof(fc.stringMatching(/^0?\.\d{1,5}$/), number)
  let read = 0
  fc.assert(
    fc.property(price, number, price, fc.constantFrom('BUY', 'SELL'), (price, size, best, side) => {
      const entry = { asset_id: 'a', price, size, side, hash: 'h', best_bid: best, best_ask: '1' }
      const frame = { market: 'm', price_changes: [entry], timestamp: '1000', event_type: 'price_change' }
      const event = new PriceChangeScanner('m', ['a']).scan(Buffer.from(JSON.stringify(frame)))
      if (event === undefined) return
      read++
      expect([event]).toEqual(new FrameParser().parse(JSON.stringify(frame)))
    }),
    { numRuns: 2000 },
  )
  expect(read).toBeGreaterThan(50)
})

test('a frame that ends anywhere is left to the parser, also in the midst of a larger memory', () => {
  const [text] = changes as [string]
  const bytes = Buffer.from(`${text}${text}`)
  for (let length = 0; length < text.length; length++) expect(scan(bytes.subarray(0, length))).toBeUndefined()
  expect(scan(bytes.subarray(0, text.length))).toBeDefined()
})

test('the parser reads bytes as it reads text, and counts them alike', () => {
  const [byText, byBytes] = [new FrameParser(), new FrameParser()]
  const [scanner] = scanners.values()
  for (const text of [...texts, '{"half', 'PONG'])
    expect(byBytes.parseBytes(Buffer.from(text), scanner!)).toEqual(byText.parse(text))
  expect(byBytes.counts).toEqual(byText.counts)
})

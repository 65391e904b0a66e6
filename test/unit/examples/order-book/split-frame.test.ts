import fc from 'fast-check'
import { expect, test } from 'vitest'
import { marketOfOne, splitFrame } from '../../../../examples/order-book/feed/split-frame.ts'
import { generateFrames } from '../../../../examples/order-book/frames.ts'

/** What a frame is made of, found by reading it. */
function read(text: string): { market: string; text: string }[] {
  const value: unknown = JSON.parse(text)
  const objects = (Array.isArray(value) ? value : [value]) as { market: string }[]
  return objects.map((object) => ({ market: object.market, text: JSON.stringify(object) }))
}

test('frames are taken apart as reading them would, single ones and arrays', () => {
  const texts = [...generateFrames({ seed: 1, markets: 4, count: 300 })].map(({ text }) => text)
  for (const text of [...texts, `[${texts.join(',')}]`, ` [ ${texts.slice(0, 3).join(' ,\n')} ]\n`, '[]'])
    expect(splitFrame(text)).toEqual({ parts: read(text), skipped: 0, isBroken: false })
})

test('brackets, quotes and backslashes within texts do not confuse it', () => {
  const texts = fc.array(fc.record({ market: fc.constantFrom('m', 'n'), note: fc.string({ unit: unit() }) }))
  fc.assert(
    fc.property(texts, (objects) => {
      const { parts, isBroken } = splitFrame(JSON.stringify(objects))
      expect(isBroken).toBe(false)
      expect(parts).toEqual(
        objects.map((object) => ({ market: object.market, text: JSON.stringify(object) })),
      )
    }),
  )
})

test('an array that was cut anywhere gives the whole objects before the cut, and is broken', () => {
  const text = JSON.stringify([1, 2, 3].map((n) => ({ market: 'm', note: `"[{\\${n}` })))
  const whole = splitFrame(text).parts
  for (let length = 1; length < text.length; length++) {
    const { parts, isBroken } = splitFrame(text.slice(0, length))
    expect(isBroken).toBe(true)
    expect(parts).toEqual(whole.slice(0, parts.length))
  }
})

test('an object that was cut goes to its market as far as it goes, when that can be read', () => {
  const text = JSON.stringify({ market: 'm', event_type: 'book', bids: [] })
  expect(splitFrame(text.slice(0, -5))).toEqual({
    ...{ parts: [{ market: 'm', text: text.slice(0, -5) }], skipped: 0, isBroken: false },
  })
  expect(splitFrame('{"mark')).toMatchObject({ parts: [], isBroken: true })
})

test.each([
  ['PING', 1],
  ['PONG', 1],
  ['', 1],
  ['{"event_type":"holiday"}', 1],
  ['[{"event_type":"holiday"},{"a":1}]', 2],
])('what is of no market and no interest is skipped: %s', (text, skipped) =>
  expect(splitFrame(text)).toEqual({ parts: [], skipped, isBroken: false }),
)

test.each([
  'garbage',
  '17',
  '[17]',
  '[[]]',
  '{"event_type":"book"}',
  '{"event_type":"price_change","market":7}',
  '{"event_type":"book","market":""}',
  '[] []',
])('what may have been about any market is broken: %s', (text) =>
  expect(splitFrame(text)).toMatchObject({ parts: [], isBroken: true }),
)

test('a market is found also with spaces in the JSON', () => {
  expect(splitFrame('{ "market" : "m" }').parts).toEqual([{ market: 'm', text: '{ "market" : "m" }' }])
})

test('the bytes of a single object tell the same market', () => {
  for (const { market, text } of generateFrames({ seed: 1, markets: 4, count: 300 })) {
    expect(marketOfOne(Buffer.from(text))).toBe(market)
    expect(marketOfOne(Buffer.from(`[${text}]`))).toBeUndefined()
  }
  expect(marketOfOne(Buffer.from('{"market":"größe"}'))).toBe('größe')
  for (const text of ['', '{', '{"market":"', '{"market":""}', 'PING'])
    expect(marketOfOne(Buffer.from(text))).toBeUndefined()
})

test('whatever comes, it does not throw', () => {
  fc.assert(fc.property(fc.string({ unit: unit() }), (text) => void splitFrame(text)))
})

function unit() {
  return fc.constantFrom('"', '\\', '[', ']', '{', '}', ',', ':', 'a', ' ', '"market":"m"', 'é')
}

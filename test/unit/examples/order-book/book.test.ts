import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Book, type SideName } from '../../../../examples/order-book/book.ts'

interface Change {
  readonly side: SideName
  readonly price: number
  readonly size: number
  readonly at: number
}

/** Bids below 0.5 and asks above, so that nothing crosses. */
const level = fc.record({
  side: fc.constantFrom<SideName>('BUY', 'SELL'),
  offset: fc.integer({ min: 1, max: 12 }),
  size: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 5 })),
})
/** One change a millisecond, in the order in which they happened. */
const changes = fc.array(level, { maxLength: 120 }).map((levels) =>
  levels.map(({ side, offset, size }, n): Change => {
    const price = side === 'BUY' ? 5000 - offset : 5000 + offset
    return { side, price, size, at: 1000 + n }
  }),
)

/** What is true after them. */
function truth(all: readonly Change[]): Record<SideName, Record<string, number>> {
  const sides: Record<SideName, Record<string, number>> = { BUY: {}, SELL: {} }
  for (const { side, price, size } of all) {
    if (size === 0) delete sides[side][price]
    else sides[side][price] = size
  }
  return sides
}

function held(book: Book): Record<SideName, Record<string, number>> {
  const side = (name: SideName): Record<string, number> =>
    Object.fromEntries(book.levels(name).map(({ price, size }) => [price, size]))
  return { BUY: side('BUY'), SELL: side('SELL') }
}

function snapshotOf(all: readonly Change[], at: number): Parameters<Book['reset']> {
  const { BUY, SELL } = truth(all)
  const levels = (side: Record<string, number>) =>
    Object.entries(side).map(([price, size]) => ({ price: Number(price), size }))
  return [levels(BUY), levels(SELL), at]
}

function newBook(): Book {
  const book = new Book('asset')
  book.reset([], [], 999)
  return book
}

function apply(book: Book, change: Change): void {
  book.change(change.side, change.price, change.size, change.at)
}

test('changes in their order give what a plain map of prices gives, the best prices first', () => {
  fc.assert(
    fc.property(changes, (all) => {
      const book = newBook()
      for (const change of all) apply(book, change)
      expect(book.stale).toBeUndefined()
      expect(held(book)).toEqual(truth(all))
      const bids = book.levels('BUY').map(({ price }) => price)
      const asks = book.levels('SELL').map(({ price }) => price)
      expect(bids).toEqual(bids.toSorted((a, b) => b - a))
      expect(asks).toEqual(asks.toSorted((a, b) => a - b))
      expect([book.bestBid, book.bestAsk]).toEqual([bids[0] ?? 0, asks[0] ?? 10_000])
    }),
  )
})

test('changes that come late, or twice, leave the book right or marked stale', () => {
  const delivery = fc.array(fc.tuple(fc.integer({ min: 0, max: 40 }), fc.boolean()), {
    minLength: 120,
    maxLength: 120,
  })
  let right = 0
  fc.assert(
    fc.property(changes, delivery, (all, fates) => {
      const arrivals = all.flatMap((change, n) => {
        const [delay, isTwice] = fates[n]!
        const late = { change, arrives: change.at + delay }
        return isTwice ? [{ change, arrives: change.at }, late] : [late]
      })
      const book = newBook()
      for (const { change } of arrivals.toSorted((a, b) => a.arrives - b.arrives)) apply(book, change)
      if (book.stale !== undefined) return
      right++
      expect(held(book)).toEqual(truth(all))
    }),
  )
  expect(right).toBeGreaterThan(10)
})

test('a snapshot that comes late does not undo what is newer: the book is right or marked stale', () => {
  let right = 0
  fc.assert(
    fc.property(changes, fc.nat(), fc.nat(), (all, first, second) => {
      const taken = first % (all.length + 1)
      const arrives = taken + (second % (all.length + 1 - taken))
      const book = newBook()
      for (const change of all.slice(0, arrives)) apply(book, change)
      book.reset(...snapshotOf(all.slice(0, taken), 999 + taken))
      for (const change of all.slice(arrives)) apply(book, change)
      if (book.stale !== undefined) return
      right++
      expect(held(book)).toEqual(truth(all))
    }),
  )
  expect(right).toBeGreaterThan(50)
})

test('a snapshot cures a stale book, with the changes since, unless it is older than what went wrong', () => {
  fc.assert(
    fc.property(changes, fc.nat(), fc.nat(), (all, lost, taken) => {
      fc.pre(all.length > 2)
      const lostAt = lost % (all.length - 1)
      const takenAt = taken % (all.length + 1)
      const book = newBook()
      all.forEach((change, n) => {
        if (n !== lostAt) apply(book, change)
        if (n === lostAt) book.markStale('gap', change.at)
      })
      book.reset(...snapshotOf(all.slice(0, takenAt), 999 + takenAt))
      if (takenAt <= lostAt) expect(book.stale).toBe('gap')
      if (book.stale === undefined) expect(held(book)).toEqual(truth(all))
    }),
  )
})

test('an older snapshot never takes the place of a newer one', () => {
  const book = newBook()
  book.reset([{ price: 4000, size: 1 }], [], 2000)
  expect(book.reset([{ price: 3000, size: 9 }], [], 1500)).toBeUndefined()
  expect(held(book).BUY).toEqual({ 4000: 1 })
})

test('best prices other than those that are told mark it stale, and a crossed book is stale', () => {
  const book = newBook()
  apply(book, { side: 'BUY', price: 4000, size: 1, at: 1000 })
  book.check(4000, 10_000, 1000)
  expect(book.stale).toBeUndefined()
  book.check(3900, 10_000, 999)
  expect(book.stale).toBeUndefined()
  apply(book, { side: 'SELL', price: 3900, size: 1, at: 1001 })
  book.check(4000, 3900, 1001)
  expect(book.stale).toBe('crossed')
  book.reset([{ price: 4000, size: 1 }], [], 1002)
  expect(book.stale).toBeUndefined()
  book.check(4100, 10_000, 1002)
  expect(book.stale).toBe('gap')
})

test('a change and a snapshot of the same millisecond that contradict each other leave it stale until the next one', () => {
  const change: Change = { side: 'BUY', price: 4000, size: 2, at: 2000 }
  const snapshot = (size: number): Parameters<Book['reset']> => [[{ price: 4000, size }], [], 2000]
  const changeFirst = newBook()
  apply(changeFirst, change)
  changeFirst.reset(...snapshot(2))
  expect(changeFirst.stale).toBeUndefined()
  const contradicted = newBook()
  apply(contradicted, change)
  contradicted.reset(...snapshot(1))
  expect(contradicted.stale).toBe('late')
  contradicted.reset(...snapshot(2))
  expect(contradicted.stale).toBeUndefined()
  const snapshotFirst = newBook()
  snapshotFirst.reset(...snapshot(1))
  apply(snapshotFirst, change)
  expect(snapshotFirst.stale).toBe('late')
  const deletedFirst = newBook()
  apply(deletedFirst, { ...change, size: 0 })
  deletedFirst.reset(...snapshot(1))
  expect(deletedFirst.stale).toBe('late')
})

test('a crossed snapshot is not taken', () => {
  const book = newBook()
  book.reset([{ price: 6000, size: 1 }], [{ price: 5000, size: 1 }], 2000)
  expect(book.stale).toBe('crossed')
  expect(book.length).toBe(0)
})

test('a book is the same after it was moved, and takes no late change of what it forgot', () => {
  fc.assert(
    fc.property(changes, (all) => {
      const book = newBook()
      for (const change of all) apply(book, change)
      const [bids, asks] = book.lengths
      const numbers = new Float64Array(bids + asks)
      expect(book.write(numbers, 0)).toBe(bids + asks)
      const moved = Book.from(book.marks(), numbers.subarray(0, bids), numbers.subarray(bids))
      expect(held(moved)).toEqual(held(book))
      expect(moved.marks()).toEqual(book.marks())
    }),
  )
  const book = newBook()
  apply(book, { side: 'BUY', price: 4000, size: 1, at: 1000 })
  apply(book, { side: 'BUY', price: 4000, size: 0, at: 1002 })
  const moved = Book.from(book.marks(), [], [])
  expect(moved.change('BUY', 4000, 5, 1001)).toBe(false)
  expect(moved.stale).toBe('late')
})

test('a book of 100 levels takes at most 20 KB', () => {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as () => void
  const used = (): number => {
    gc()
    gc()
    const { heapUsed, external } = process.memoryUsage()
    return heapUsed + external
  }
  const before = used()
  const books = Array.from({ length: 2000 }, (_, n) => {
    const book = new Book(`asset-${n}`)
    book.reset([], [], 0)
    for (let level = 1; level <= 50; level++) {
      book.change('BUY', 5000 - level, 1_000_000 + level, level)
      book.change('SELL', 5000 + level, 1_000_000 + level, level)
    }
    for (let level = 1; level <= 20; level++) {
      book.change('BUY', 4000, level, 100 + level)
      book.change('BUY', 4000, 0, 100 + level)
    }
    return book
  })
  const each = (used() - before) / books.length
  expect(books.every(({ length }) => length === 100)).toBe(true)
  expect(each).toBeGreaterThan(100 * 18)
  expect(each).toBeLessThan(20 * 1024)
})

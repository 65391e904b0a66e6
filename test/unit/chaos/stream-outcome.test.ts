import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { isWell, judge, jsonLine, type Evidence, type Hit } from '../../../chaos/stream/outcome.ts'
import { readSequences, SequenceLedger, type Handled } from '../../../chaos/stream/sequence-ledger.ts'

/** Message 1 of key a, handled at 100 by a state that had seen nothing, unless told otherwise. */
function handled(changes: Partial<Handled> = {}): Handled {
  return { life: 'one', key: 'a', n: 1, before: 0, isGapped: false, at: 100, ...changes }
}

/** The messages of key a in their order, each 10 after the one before it. */
function inOrder(count: number, life = 'one'): Handled[] {
  return Array.from({ length: count }, (_, index) =>
    handled({ n: index + 1, before: index, at: 100 + 10 * index, life }),
  )
}

function judged(evidence: Partial<Evidence>): ReturnType<typeof judge> {
  return judge({ routed: new Map([['a', 3]]), handled: [], answers: [], hits: [], replaced: 0, ...evidence })
}

/** How many of each there are. */
function counts(evidence: Partial<Evidence>): Record<string, number> {
  const { lost, outOfOrder, undeclaredGaps, again, declaredGaps } = judged(evidence)
  const [l, o, u] = [lost, outOfOrder, undeclaredGaps].map(({ length }) => length)
  return { lost: l!, outOfOrder: o!, undeclaredGaps: u!, again, declaredGaps }
}

const NOTHING = { lost: 0, outOfOrder: 0, undeclaredGaps: 0, again: 0, declaredGaps: 0 }
const [first, second, third] = inOrder(3) as [Handled, Handled, Handled]
const end: Hit = { kind: 'kill', at: 125, life: 'one' }

test('messages that are all there, once and in their order, are well', () => {
  expect(counts({ handled: [third, first, second] })).toEqual(NOTHING)
  expect(isWell(judged({ handled: [first, second, third] }))).toBe(true)
})

test('a run without messages shows nothing', () => {
  expect(isWell(judged({ routed: new Map() }))).toBe(false)
})

describe('a message that nobody handled', () => {
  test('is lost, at the end of its key', () => {
    expect(judged({ handled: [first, second] }).lost).toEqual(['a 3'])
    expect(counts({ handled: [first, second] })).toEqual({ ...NOTHING, lost: 1 })
    expect(judged({}).lost).toEqual(['a 1', 'a 2', 'a 3'])
  })

  test('is also a gap, before others of its key: undeclared unless the worker was told', () => {
    const after = { ...third, before: 1 }
    expect(counts({ handled: [first, after] })).toEqual({ ...NOTHING, lost: 1, undeclaredGaps: 1 })
    const told = { ...after, isGapped: true }
    expect(counts({ handled: [first, told] })).toEqual({ ...NOTHING, lost: 1, declaredGaps: 1 })
  })

  test('is lost whatever the same number of another key is', () => {
    const routed = new Map([
      ['a', 1],
      ['b', 1],
    ])
    expect(judged({ routed, handled: [first] }).lost).toEqual(['b 1'])
  })
})

describe('a message that was handled twice', () => {
  const next = handled({ n: 2, before: 1, at: 130, life: 'two' })

  test('is excused when its first worker was ended before the second handled it', () => {
    const evidence = { handled: [first, second, next, { ...third, life: 'two', at: 140 }], hits: [end] }
    expect(counts(evidence)).toEqual({ ...NOTHING, again: 1 })
  })

  test('is out of order when that worker was not ended, or only later, or another one was', () => {
    const all = [first, second, next, { ...third, life: 'two', at: 140 }]
    for (const hits of [[], [{ ...end, at: 135 }], [{ ...end, life: 'two' }], [{ kind: 'scale', at: 125 }]])
      expect(counts({ handled: all, hits: hits as Hit[] })).toEqual({ ...NOTHING, outOfOrder: 1 })
  })

  test('is out of order when the same worker handled it, whatever was done to it', () => {
    const all = [first, second, { ...next, life: 'one' }, { ...third, at: 140 }]
    expect(counts({ handled: all, hits: [end] })).toEqual({ ...NOTHING, outOfOrder: 1 })
  })

  test('is out of order when its state had it already', () => {
    const all = [first, second, { ...next, before: 2 }, { ...third, at: 140 }]
    expect(counts({ handled: all, hits: [end] })).toEqual({ ...NOTHING, outOfOrder: 1, again: 1 })
  })
})

test('a message that is handled after a later one of its key is out of order, for its state and by the clock', () => {
  const [early, late] = [
    { ...third, before: 1, at: 110 },
    { ...second, before: 3, at: 120 },
  ]
  expect(counts({ handled: [first, early, late] })).toEqual({ ...NOTHING, outOfOrder: 2, undeclaredGaps: 1 })
  // In a state of its own, which knows of neither.
  const elsewhere = { ...late, before: 1, life: 'two' }
  expect(counts({ handled: [first, early, elsewhere] })).toMatchObject({ outOfOrder: 1, undeclaredGaps: 1 })
})

describe('a state that goes on after a crash with less than was handled', () => {
  const after = handled({ n: 3, before: 1, at: 130, life: 'two' })

  test('is a gap that was declared when its worker was told', () => {
    const all = [first, second, { ...after, isGapped: true }]
    expect(counts({ handled: all, hits: [end] })).toEqual({ ...NOTHING, declaredGaps: 1 })
  })

  test('is one that was not, when nobody told it', () => {
    expect(counts({ handled: [first, second, after], hits: [end] })).toEqual({
      ...NOTHING,
      undeclaredGaps: 1,
    })
  })
})

test('an answer must know all that was routed before it was asked for, or of a gap', () => {
  const all = { handled: [first, second, third] }
  const answer = { key: 'a', routed: 2, last: 1, isGapped: false }
  expect(counts({ ...all, answers: [answer] })).toEqual({ ...NOTHING, undeclaredGaps: 1 })
  for (const right of [{ last: 2 }, { last: 3 }, { isGapped: true }])
    expect(counts({ ...all, answers: [{ ...answer, ...right }] })).toEqual(NOTHING)
})

test('the line sums up all cases', () => {
  const fine = judged({ handled: [first, second, third], hits: [end] })
  const bad = judged({ handled: [first, { ...third, before: 1 }], hits: [end, end] })
  expect([fine, bad].map(isWell)).toEqual([true, false])
  expect(JSON.parse(jsonLine([fine, bad]))).toEqual({
    ...{ messages: 6, lost: 1, outOfOrder: 0, undeclaredGaps: 1, faults: 3 },
  })
})

describe('a ledger', () => {
  function folder(): string {
    const made = mkdtempSync(join(tmpdir(), 'millhand-ledger-'))
    onTestFinished(() => rmSync(made, { recursive: true, force: true }))
    return made
  }

  test('gives back what was noted, by life', () => {
    const at = folder()
    const ledger = new SequenceLedger(at)
    ledger.note('a', 1, 0, false)
    ledger.note('key-2', 7, 3, true)
    ledger.close()
    const [one, two, ...more] = readSequences(at)
    expect(more).toEqual([])
    expect(one).toMatchObject({ key: 'a', n: 1, before: 0, isGapped: false })
    expect(two).toMatchObject({ key: 'key-2', n: 7, before: 3, isGapped: true, life: one!.life })
    expect(one!.life).toMatch(new RegExp(`^${process.pid}-\\d+$`))
    expect(two!.at).toBeGreaterThanOrEqual(one!.at)
  })

  test('does not count a last line that was cut off, and refuses one that nobody writes', () => {
    const at = folder()
    const ledger = new SequenceLedger(at)
    ledger.note('a', 1, 0, false)
    ledger.close()
    const [file] = readdirSync(at)
    writeFileSync(join(at, file!), 'a 2 1 0 1', { flag: 'a' })
    expect(readSequences(at).map(({ n }) => n)).toEqual([1])
    writeFileSync(join(at, file!), '\nnonsense\n', { flag: 'a' })
    expect(() => readSequences(at)).toThrow('expected a line of a ledger, got: nonsense')
  })
})

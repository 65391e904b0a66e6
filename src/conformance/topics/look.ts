import assert from 'node:assert/strict'
import { type ConformanceCase, topic } from '../case.ts'
import { DEAD, eventually, LEASE, RELEASE, type Subject } from '../subject.ts'

export const lookCases: ConformanceCase[] = topic('look', {
  'hints at jobs that wait, since the first hint may have been lost': async (s) => {
    await s.addOne()
    await hintedByLook(s)
  },
  'hints at jobs that were handed back, and at suspects': async (s) => {
    await s.settled(await s.held(), RELEASE)
    await hintedByLook(s)
    const other = s.at(`${s.queue}-2`)
    await other.suspect()
    await hintedByLook(other)
  },
  'hints at a job that waits in a queue that is paused, for its workers say what they handle': async (s) => {
    await s.addOne()
    await s.backend.pause(s.queue)
    await hintedByLook(s)
  },
  'hints at a delayed job that is due, not before': async (s) => {
    await s.addOne({ delayMs: 600_000 })
    await notHintedByLook(s)
    await s.addOne({ delayMs: LEASE })
    await s.pass(LEASE + 50)
    await hintedByLook(s)
  },
  'hints at a delayed job that cannot be started in time any more': async (s) => {
    await s.addOne({ delayMs: 600_000, expireMs: 600_000 })
    await notHintedByLook(s)
    await s.addOne({ delayMs: 600_000, expireMs: LEASE })
    await s.pass(LEASE + 50)
    await hintedByLook(s)
  },
  'hints at a job that was kept for long enough, not at one that is to be kept': async (s) => {
    await s.settled(await s.held(), { ...DEAD, keepMs: null })
    await s.settled(await s.held(), { ...DEAD, keepMs: 600_000 })
    await notHintedByLook(s)
    await s.settled(await s.held(), { ...DEAD, keepMs: LEASE })
    await s.pass(LEASE + 50)
    await hintedByLook(s)
  },
  'hints at active jobs when upkeep is left undone': async (s) => {
    await s.maintain()
    await s.held({ expireMs: LEASE })
    await s.pass(LEASE * 1.5)
    await notHintedByLook(s)
    await hintedByLook(s, LEASE / 4)
    await s.maintain()
    await notHintedByLook(s)
  },
  'hints at active jobs of a queue that was never kept up': async (s) => {
    await s.held()
    await hintedByLook(s)
  },
  'does not hint at a queue without jobs, nor at one that was never used': async (s) => {
    await notHintedByLook(s)
    await s.maintain()
    await s.settled(await s.held(), { kind: 'done', result: null, keepMs: 0 })
    await notHintedByLook(s)
  },
  'finds in one look what is to do in all queues': async (s) => {
    const queues = [s, s.at(`${s.queue}-2`), s.at(`${s.queue}-3 {%}\n`)]
    for (const each of queues) await each.addOne()
    const hinted = queues.map((each) => watched(each))
    await settledDown(s)
    for (const each of hinted) each.forget()
    await look(s)
    await eventually(() => hinted.every((each) => each.hints() > 0), 'a hint to each')
  },
  'is done for all by one at a time, which the others overhear': async (s) => {
    const other = await s.another()
    watched(s)
    watched(other)
    await settledDown(s)
    await settledDown(other)
    let heard = false
    if (!sharesLooks(s)) {
      assert.equal(await look(s, 600_000, 600_000), false)
      return
    }
    const end = other.backend.overhear?.(() => (heard = true))
    // It is heard from when the store has got to know of it.
    await settledDown(other)
    await hearsFromAfar(other, s)
    heard = false
    assert.equal(await look(s, 600_000, 600_000), true)
    await eventually(() => heard, 'the look was overheard')
    await other.addOne()
    await hintedByLook(other)
    assert.equal(await look(other, 600_000), false)
    assert.equal(await look(s, 600_000, LEASE), true)
    assert.equal(await look(other, 600_000), false)
    await s.pass(LEASE + 50)
    assert.equal(await look(other, 600_000), true)
    assert.equal(await look(s, 600_000), true, 'a term of 0 is over at once')
    end?.()
    end?.()
  },
  'hints to those of other openings as well when it is done for all': async (s) => {
    const other = await s.another()
    await s.addOne()
    const hinted = watched(other)
    await settledDown(other)
    hinted.forget()
    // Where one at a time looks for all, another case may be about to.
    for (let looks = !sharesLooks(s); !looks;) looks = await look(s)
    if (!sharesLooks(s)) await look(other)
    await eventually(() => hinted.hints() > 0, 'a hint to the other')
  },
})

/** Until what another opening does has come to it: what it does itself, it hears of before it listens. */
async function hearsFromAfar(s: Subject, another: Subject): Promise<void> {
  const mark = s.at(`${s.queue}-far`)
  const hinted = watched(mark)
  await another.backend.pause(mark.queue)
  await eventually(() => hinted.hints() > 0, 'a hint at what another has paused')
  hinted.end()
}

/** Whether one can look for all. */
function sharesLooks({ backend }: Subject): boolean {
  return 'overhear' in backend
}

/** Looks; the term is over at once unless one is given. */
function look(s: Subject, neglectMs = 600_000, termMs = 0): Promise<boolean> {
  return s.backend.look({ looker: s.owner, termMs, neglectMs })
}

async function hintedByLook(s: Subject, neglectMs?: number): Promise<void> {
  const hinted = watched(s)
  await settledDown(s)
  hinted.forget()
  await look(s, neglectMs)
  await eventually(() => hinted.hints() > 0, 'a hint')
  hinted.end()
}

/**
 * None before the hint at a job elsewhere, which is found by the same look. A hint may also come for nothing, late and
 * from elsewhere, but not each time.
 */
async function notHintedByLook(s: Subject): Promise<void> {
  const elsewhere = s.at(`${s.queue}-elsewhere`)
  const [hinted, there] = [watched(s), watched(elsewhere)]
  const id = await elsewhere.addOne()
  let hints = 1
  for (let tries = 0; tries < 5 && hints > 0; tries++) {
    await settledDown(s)
    hinted.forget()
    there.forget()
    await look(s)
    await eventually(() => there.hints() > 0, 'a hint elsewhere')
    hints = hinted.hints()
  }
  assert.equal(hints, 0)
  hinted.end()
  there.end()
  await s.backend.cancel(elsewhere.queue, [id], 0)
}

interface Watched {
  hints(): number
  forget(): void
  end(): void
}

function watched(s: Subject): Watched {
  let hints = 0
  const end = s.backend.watch(s.queue, () => hints++)
  return { hints: () => hints, forget: () => (hints = 0), end }
}

/** Until hints of what was done before, of which there may be several, have come: one that is caused now is the last. */
async function settledDown(s: Subject): Promise<void> {
  const mark = s.at(`${s.queue}-mark`)
  const hinted = watched(mark)
  for (const paused of [true, false, true, false]) {
    hinted.forget()
    await (paused ? s.backend.pause(mark.queue) : s.backend.resume(mark.queue))
    await eventually(() => hinted.hints() > 0, 'a hint at a pause')
  }
  hinted.end()
}

/** How the write lock is waited for. */
import { expect, test } from 'vitest'
import { sameBoot } from '../../../src/backends/sqlite/boot.ts'
import { WriteTurns } from '../../../src/backends/sqlite/busy.ts'
import { explained } from '../../../src/backends/sqlite/failure.ts'

/** As node:sqlite says it. */
const busy = (): Error => Object.assign(new Error('database is locked'), { errcode: 5 })

function locked(times: number, result: string): () => string {
  return () => {
    if (times-- > 0) throw busy()
    return result
  }
}

const patience = { giveUpMs: 5000, complaint: () => 'locked for too long' }

test('what can be done at once is done before the call returns', async () => {
  let done = false
  const turn = new WriteTurns(patience).run(() => {
    done = true
  })
  expect(done).toBe(true)
  await turn
})

test('writers have their turns in the order in which they came, however long the first waits', async () => {
  const turns = new WriteTurns(patience)
  const order: string[] = []
  const all = [locked(30, 'first'), locked(0, 'second'), locked(3, 'third')].map(async (attempt) =>
    order.push(await turns.run(attempt)),
  )
  await Promise.all(all)
  expect(order).toEqual(['first', 'second', 'third'])
})

test('one that fails is told, and the next has its turn', async () => {
  const turns = new WriteTurns(patience)
  const first = turns.run(locked(2, 'first'))
  const second = turns.run(() => {
    throw new Error('no such table')
  })
  const third = turns.run(locked(0, 'third'))
  await expect(second).rejects.toThrow('no such table')
  expect([await first, await third]).toEqual(['first', 'third'])
})

test('who has waited for too long gives up', async () => {
  const turns = new WriteTurns({ ...patience, giveUpMs: 20 })
  await expect(turns.run(locked(Infinity, ''))).rejects.toMatchObject({
    code: 'BACKEND_UNAVAILABLE',
    retryable: true,
    message: 'locked for too long',
  })
  expect(await turns.run(locked(1, 'next'))).toBe('next')
})

test.each([
  [{ errcode: 13 }, 'BACKEND_UNAVAILABLE', true],
  [{ errcode: 8 | (1 << 8) }, 'BACKEND_UNAVAILABLE', false],
  [{ errcode: 26 }, 'BACKEND_CORRUPT', false],
  [{ code: 'SQLITE_FULL' }, 'BACKEND_UNAVAILABLE', true],
  [{ code: 'SQLITE_IOERR_WRITE' }, 'BACKEND_UNAVAILABLE', true],
  [{ code: 'SQLITE_READONLY_DBMOVED' }, 'BACKEND_UNAVAILABLE', false],
  [{ code: 'SQLITE_NOTADB' }, 'BACKEND_CORRUPT', false],
])('%o of a driver is %s, retryable: %s', (fields, code, retryable) => {
  const error = explained(Object.assign(new Error('from the driver'), fields), '/srv/jobs.db')
  expect(error).toMatchObject({ code, retryable, cause: { message: 'from the driver' } })
  expect(error.message).toContain('/srv/jobs.db')
})

test('an error that is not about the file stays what it is', () => {
  const error = new TypeError('a bug')
  expect(explained(error, '/srv/jobs.db')).toBe(error)
})

test('boots are told apart by their id, or where there is none by the time of the boot', () => {
  expect(sameBoot('a1', 'a1')).toBe(true)
  expect(sameBoot('a1', 'a2')).toBe(false)
  expect(sameBoot('booted-at:1000000', 'booted-at:1000900')).toBe(true)
  expect(sameBoot('booted-at:1000000', 'booted-at:9000000')).toBe(false)
  expect(sameBoot('a1', 'booted-at:1000000')).toBe(false)
})

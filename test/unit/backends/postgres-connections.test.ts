import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { Connections } from '../../../src/backends/postgres/connections.ts'
import type { PgPool } from '../../../src/backends/postgres/client.ts'

const unused = (): Promise<never> => Promise.reject(new Error('not asked for here'))
const source: PgPool = { connect: unused, query: unused }
const connections = (): Connections => new Connections({ source, connections: 1, deadlineMs: 1_000 })

test('nothing is kept of what was asked and answered, however long the connections live', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const own = connections()
  const answers: WeakRef<object>[] = []
  for (let n = 0; n < 100; n++) {
    answers.push(new WeakRef(await own.withPool(() => Promise.resolve({ rows: [`row ${n}`] }))))
  }
  // What a task has looked at through a WeakRef lives to its end.
  await new Promise((resolve) => setImmediate(resolve))
  collect()
  expect(answers.filter((answer) => answer.deref() !== undefined).length).toBeLessThan(3)
  await own.withPool(() => Promise.resolve())
})

test('whoever waits for an answer hears at once that the connections were given up, and may ask again', async () => {
  const own = connections()
  const waiting = [own.withPool(() => new Promise(() => {})), own.withPool(() => new Promise(() => {}))]
  own.reconnect()
  for (const each of waiting) {
    await expect(each).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE', retryable: true })
  }
  expect(await own.withPool(() => Promise.resolve('answer'))).toBe('answer')
})

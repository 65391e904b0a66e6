/** The numbers of jobs, which the server gives in blocks: what is counted on from them must be what it has stored. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { postgres } from '../../src/backends/postgres/index.ts'
import { newJob } from '../../src/conformance/subject.ts'
import type { Backend } from '../../src/queue/backend.ts'
import type { PrivateServer } from '../servers/private-server.ts'
import { startPostgres } from '../servers/postgres.ts'

let server: PrivateServer
beforeAll(async () => {
  server = await startPostgres()
}, 60_000)
afterAll(() => server.stop())

/** About a block: less than one, whole ones, and more than whole ones. */
const SIZES = [1, 2, 15, 16, 17, 1, 33, 160, 1, 7]

async function opened(): Promise<Backend> {
  const backend = postgres(server.url)
  await backend.open()
  return backend
}

/** Adds batches one after another. @returns what the store answered, in the order of the adds. */
async function addInTurn(backend: Backend, queue: string): Promise<Map<string, number>> {
  const numbers = new Map<string, number>()
  for (const size of SIZES) {
    const jobs = Array.from({ length: size }, () => newJob())
    for (const result of await backend.enqueue({ queue, jobs, maxLength: null })) {
      if (result.status !== 'added') throw new Error(`expected each to be added, got: ${result.status}`)
      numbers.set(result.id, result.seq)
    }
  }
  return numbers
}

async function stored(backend: Backend, queue: string): Promise<Map<string, number>> {
  const jobs = await backend.list({ queue, limit: 10_000 })
  return new Map(jobs.map(({ id, seq }) => [id, seq]))
}

function expectRising(numbers: Iterable<number>): void {
  let last = 0
  for (const number of numbers) {
    expect(number).toBeGreaterThan(last)
    last = number
  }
}

test('jobs that two processes add at once, singly and in bulk, have numbers of their own, which rise and are those that are stored', async () => {
  const [one, other] = [await opened(), await opened()]
  const all = await Promise.all([addInTurn(one, 'both'), addInTurn(other, 'both'), addInTurn(one, 'single')])
  for (const numbers of all) expectRising(numbers.values())
  const given = all.flatMap((numbers) => [...numbers.values()])
  expect(new Set(given).size).toBe(SIZES.reduce((sum, size) => sum + size) * 3)
  expect(await stored(other, 'both')).toEqual(new Map([...all[0], ...all[1]]))
  await one.close()
  await other.close()
})

test('after the server was killed, numbers go on above all that were given before', async () => {
  const before = await opened()
  const first = await addInTurn(before, 'killed')
  await before.close()
  await server.kill('SIGKILL')
  await server.start()
  const after = await opened()
  const second = await addInTurn(after, 'killed')
  expectRising([...first.values(), ...second.values()])
  expect(await stored(after, 'killed')).toEqual(new Map([...first, ...second]))
  await after.close()
})

import assert from 'node:assert/strict'
import type { Encoded, JobError } from '../../queue/job.ts'
import { type ConformanceCase, topic } from '../case.ts'
import { DONE, newJob, only, POLICY, RELEASE, RETRY, type Subject } from '../subject.ts'

/** What must come back as it went in: from get, from claim, from a second claim, and as a result. */
async function faithful(s: Subject, payload: Encoded): Promise<void> {
  const id = await s.addOne({ payload })
  assert.deepEqual(bare((await s.get(id)).payload), payload)
  await s.settled(await s.takeOne(), RELEASE)
  const job = await s.takeOne()
  assert.deepEqual(bare(job.payload), payload)
  await s.settled(job, { kind: 'done', result: payload, keepMs: null })
  const { result } = await s.get(id)
  assert.ok(result !== null)
  assert.deepEqual(bare(result), payload)
}

/** A Buffer is as good as the Uint8Array that it is. */
const bare = (encoded: Encoded): Encoded => (typeof encoded === 'string' ? encoded : new Uint8Array(encoded))

export const storeCases: ConformanceCase[] = [
  ...topic('payload', {
    'text stays text': (s) => faithful(s, '{"a":[1,null,"é😀"],"a":2}'),
    'empty text stays empty': (s) => faithful(s, ''),
    'a NUL survives': (s) => faithful(s, 'before\u0000after'),
    'lone surrogates survive': (s) => faithful(s, 'a\ud800b\udc00c'),
    'big numbers, exponents and white space are not rewritten': (s) =>
      faithful(s, ' {"n": 12345678901234567890.10, "e":1E400 ,\n"z":-0.0}'),
    'any byte survives': (s) =>
      faithful(
        s,
        Uint8Array.from({ length: 256 }, (_, n) => n),
      ),
    'empty bytes stay bytes': (s) => faithful(s, new Uint8Array(0)),
    'bytes that look like text stay bytes': (s) => faithful(s, new TextEncoder().encode('{"a":1}')),
    'the largest allowed payload survives': (s) =>
      faithful(s, 'x'.repeat(Math.min(s.backend.capabilities.maxPayloadBytes, 1_048_576))),
    'a part of a larger buffer is stored as that part': (s) =>
      faithful(s, new Uint8Array([9, 9, 1, 2, 9]).subarray(2, 4)),
    'bytes that the producer changes after the add are not changed in the store': async (s) => {
      const payload = new Uint8Array([1, 2, 3])
      await s.add({ payload })
      payload[0] = 9
      assert.deepEqual(bare((await s.takeOne()).payload), new Uint8Array([1, 2, 3]))
    },
    'bytes that a worker changes are not changed for the next attempt': async (s) => {
      await s.add({ payload: new Uint8Array([1, 2, 3]) })
      const job = await s.takeOne()
      if (typeof job.payload !== 'string') job.payload[0] = 9
      await s.settled(job, RETRY)
      assert.deepEqual(bare((await s.takeOne()).payload), new Uint8Array([1, 2, 3]))
    },
    'the codec is any name': async (s) => {
      const id = await s.addOne({ codec: 'msgpack; v=2' })
      assert.equal((await s.get(id)).codec, 'msgpack; v=2')
    },
    'headers and tags are any text': async (s) => {
      const headers = { 'x-é': 'ü\n"', '': 'empty', constructor: 'x', 'a.b[0]': "'; drop table jobs" }
      const tags = ['é', 'a,b', '"', '', ' ']
      await s.add({ headers, tags })
      const job = await s.takeOne()
      assert.deepEqual({ ...job.headers }, headers)
      assert.deepEqual([...job.tags], tags)
    },
    'errors keep what they say': async (s) => {
      const error: JobError = { name: 'É', message: 'a "quoted"\nline', code: 'E_1', stack: 'at x\n  at y' }
      const id = await s.addOne()
      await s.settled(await s.takeOne(), { ...RETRY, error })
      const record = await s.get(id)
      assert.deepEqual(record.error, error)
      assert.deepEqual(record.history[0]?.error, error)
    },
    'ids and types are any text': async (s) => {
      const strange = ['a b', "it's", 'x:y/z', 'ünï', '%', '__proto__', 'A', 'a']
      await s.enqueue(strange.map((id) => newJob({ id, type: id })))
      assert.deepEqual(await s.takeIds({ types: strange }), strange)
    },
  }),

  ...topic('queues', {
    'the same id in two queues is two jobs': async (s) => {
      const other = s.at(`${s.queue}-2`)
      await s.add({ id: 'one', payload: '1' })
      await other.add({ id: 'one', payload: '2' })
      const job = await s.takeOne()
      assert.equal(job.payload, '1')
      await s.settled(job, DONE)
      assert.equal(await other.state('one'), 'waiting')
    },
    'a token is worth nothing in another queue': async (s) => {
      const other = s.at(`${s.queue}-2`)
      const job = await s.held({ id: 'one' })
      await other.add({ id: 'one' })
      assert.deepEqual(await other.settle(job, DONE), { status: 'stale' })
      assert.equal(await other.state('one'), 'waiting')
    },
    'whose names differ in case or by a prefix are different': async (s) => {
      const others = [s.at(`${s.queue}-A`), s.at(`${s.queue}-a`), s.at(`${s.queue}-`)]
      for (const other of others) await other.add({ id: other.queue })
      for (const other of others) assert.deepEqual(await other.takeIds(), [other.queue])
      assert.deepEqual(await s.take(), [])
    },
    'have odd names': async (s) => {
      for (const name of ["it's", 'a b', 'x:y/z', 'ünï', '%_', '__proto__', '*']) {
        const other = s.at(`${s.queue}${name}`)
        const id = await other.addOne()
        assert.deepEqual(await other.takeIds(), [id])
        assert.equal(only(await s.backend.stats(other.queue)).counts.active, 1)
      }
    },
    'list, replay, purge and cancel stay in theirs': async (s) => {
      const other = s.at(`${s.queue}-2`)
      const id = await other.addOne()
      assert.deepEqual(await s.backend.list({ queue: s.queue, limit: 10 }), [])
      assert.deepEqual(await s.backend.cancel(s.queue, [id], null), ['not-found'])
      assert.equal((await s.backend.purge({ queue: s.queue, limit: 10 })).count, 0)
      assert.equal(await other.state(id), 'waiting')
    },
  }),

  ...topic(
    'sharing',
    {
      'what one opening adds another takes and settles': async (s) => {
        const other = await s.another()
        const id = await s.addOne()
        const job = await other.takeOne()
        assert.equal(job.id, id)
        await other.settled(job, DONE)
        assert.equal(await s.state(id), 'gone')
      },
      'closing one opening leaves the others open': async (s) => {
        const other = await s.another()
        await other.backend.close()
        await s.addOne()
      },
      'many that add and take at once lose nothing and give nothing twice': async (s) => {
        const workers = await Promise.all(Array.from({ length: 4 }, () => s.another()))
        const added = workers.map((worker) => worker.add(...Array.from({ length: 50 }, () => ({}))))
        const taken: string[] = []
        const take = async (worker: Subject): Promise<void> => {
          for (let idle = 0; idle < 20 && taken.length < 200; idle++) {
            const jobs = await worker.take({ limit: 7 })
            for (const { id } of jobs) taken.push(id)
            if (jobs.length > 0) idle = 0
          }
        }
        await Promise.all(workers.map(take))
        const ids = (await Promise.all(added)).flat()
        for (const worker of workers) await take(worker)
        assert.deepEqual(taken.toSorted(), ids.toSorted())
      },
    },
    'sharing',
  ),

  ...topic('open and close', {
    'opening again is free': async (s) => {
      await s.backend.open()
      await s.addOne()
    },
    'closing again is free': async (s) => {
      await s.backend.close()
      await s.backend.close()
    },
    'after close every call fails with INVALID_STATE': async (s) => {
      const { backend, queue, owner } = s
      const request = s.request()
      await backend.close()
      const calls: Record<string, () => unknown> = {
        enqueue: () => s.enqueue([newJob()]),
        claim: () => backend.claim(request),
        settle: () => backend.settle([]),
        exchange: () => backend.exchange([], request),
        start: () => backend.start([]),
        renew: () => backend.renew(owner, 1000),
        progress: () => backend.progress([]),
        releaseOwner: () => backend.releaseOwner(owner, POLICY),
        maintain: () => s.maintain(),
        watch: () => backend.watch(queue, () => {}),
        get: () => backend.get(queue, 'a'),
        list: () => backend.list({ queue, limit: 1 }),
        stats: () => backend.stats(),
        pause: () => backend.pause(queue),
        resume: () => backend.resume(queue),
        cancel: () => backend.cancel(queue, [], null),
        replay: () => backend.replay({ queue, limit: 1 }),
        purge: () => backend.purge({ queue, limit: 1 }),
        readSchedule: () => backend.readSchedule(queue, 'a'),
        advanceSchedule: () => backend.advanceSchedule({ queue, name: 'a', from: null, to: 1, jobs: [] }),
      }
      for (const [name, call] of Object.entries(calls)) {
        await assert.rejects(async () => call(), { code: 'INVALID_STATE' }, name)
      }
    },
    'after close no hint comes': async (s) => {
      let hints = 0
      s.backend.watch(s.queue, () => hints++)
      const adding = s.addOne()
      await adding
      await s.backend.close()
      const before = hints
      await new Promise((resolve) => setTimeout(resolve, 20))
      assert.equal(hints, before)
    },
    'capabilities are complete and do not change': async (s) => {
      const { capabilities, name } = s.backend
      assert.ok(name.length > 0)
      assert.ok(capabilities.maxPayloadBytes >= 1_048_576)
      assert.ok(['process', 'machine', 'network'].includes(capabilities.sharedBy))
      assert.ok(capabilities.url === null || URL.canParse(capabilities.url))
      assert.equal(s.backend.capabilities, capabilities)
    },
  }),
]

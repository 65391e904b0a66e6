import assert from 'node:assert/strict'
import type { Encoded, JobError } from '../../queue/job.ts'
import { type ConformanceCase, topic } from '../case.ts'
import { newJob, RELEASE, RETRY, type Subject } from '../subject.ts'

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

export const payloadCases: ConformanceCase[] = topic('payload', {
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
})

/** A Redis that speaks TLS, and lets a user do only what its rules say. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { afterEach, describe, expect, it } from 'vitest'
import { redis } from '../../src/backends/redis/index.ts'
import { silentLogger as logger } from '../../src/core/logger.ts'
import { Queue } from '../../src/queue/queue.ts'
import { until } from '../fixtures/until.ts'
import { freePort } from '../servers/port.ts'
import { startRedis } from '../servers/redis.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end()
})

/** Of nobody: made for this test, good for localhost and 127.0.0.1. */
const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgiOci3PP8DaYPr3Qv
rUH20V3d0ct8yrvWBhK22dlP5eyhRANCAATwKfCsJo2raMVJFytaVeeKdpVG1xuH
YmCURR5gnCWLBj/jESaV1tpH9NIfBjwd0oEhz9vjtIPi/BOFGy4Thaik
-----END PRIVATE KEY-----
`
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBmzCCAUGgAwIBAgIUVX6IVYtdFAyx60mtBxkGfOenMYswCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMTE2MTE0NloYDzIxMjYxMDI4
MTYxMTQ2WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAATwKfCsJo2raMVJFytaVeeKdpVG1xuHYmCURR5gnCWLBj/jESaV1tpH
9NIfBjwd0oEhz9vjtIPi/BOFGy4Thaiko28wbTAdBgNVHQ4EFgQUviJaFcMCh8GJ
v84PMUczX0TSlEowHwYDVR0jBBgwFoAUviJaFcMCh8GJv84PMUczX0TSlEowDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSAAwRQIgdAJoKQqaFm58cZg926o5U5RP92jh5Ti9s+svnAAhQ7ICIQD5
Ux3NO/ut4eMzpSuJCXsK5XTLyCc4WOu83VZXkCYj1g==
-----END CERTIFICATE-----
`

/** As docs/guide/redis.md has it. */
const RULES =
  'on >s3cret ~{millhand:* ~millhand:* &{millhand:* &millhand:* -@all +@read +@write +@scripting +@pubsub +@connection +info +time'

async function tlsPort(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'millhand-tls-'))
  ends.push(() => rm(folder, { recursive: true }))
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')]
  await writeFile(key, KEY)
  await writeFile(certificate, CERTIFICATE)
  const port = await freePort()
  const files = ['--tls-cert-file', certificate, '--tls-key-file', key, '--tls-ca-cert-file', certificate]
  const started = await startRedis({
    args: [
      '--tls-port',
      String(port),
      ...files,
      '--tls-auth-clients',
      'no',
      '--user',
      'jobs',
      ...RULES.split(' '),
    ],
  })
  ends.push(() => started.stop())
  return port
}

function queueOf(...args: Parameters<typeof redis>): Queue {
  const backend = redis(...args)
  ends.push(() => backend.close())
  return new Queue('mail', { backend })
}

/** Adds at once and late, wakes a worker, and settles. */
async function works(queue: Queue): Promise<void> {
  const seen: unknown[] = []
  const worker = queue.worker({ x: (job) => void seen.push(job.payload) }, { logger })
  await worker.start()
  await queue.addMany([1, 2].map((n) => ({ type: 'x', payload: n })))
  await queue.add('x', 3, { delay: 50 })
  await until(() => seen.length === 3)
  await worker.stop()
  expect(worker.error).toBeUndefined()
  expect((await queue.stats()).counts).toMatchObject({ waiting: 0, delayed: 0, active: 0 })
}

describe('a Redis over TLS, as a user with few rights', () => {
  it('is used through a client of node-redis that trusts its certificate', async () => {
    const url = `rediss://jobs:s3cret@localhost:${await tlsPort()}/0`
    await works(queueOf(createClient({ url, socket: { tls: true, ca: CERTIFICATE } })))
  })

  it('is used through a client of ioredis that trusts its certificate', async () => {
    const port = await tlsPort()
    const login = { username: 'jobs', password: 's3cret' }
    const client = new Redis({
      host: 'localhost',
      port,
      ...login,
      tls: { ca: CERTIFICATE },
      lazyConnect: true,
    })
    ends.push(() => client.disconnect())
    await works(queueOf(client))
  })

  it('is refused by its URL while nobody vouches for its certificate, without a word of the password', async () => {
    const queue = queueOf(`rediss://jobs:s3cret@localhost:${await tlsPort()}/0`, { commandTimeout: '1s' })
    const error = (await queue.stats().catch((thrown: unknown) => thrown)) as Error
    expect(error).toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
    expect(error.message).toContain('self-signed certificate')
    expect(error.message + error.stack).not.toContain('s3cret')
  })
})

/** `millhand mqtt`: routes, run and publish. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { MqttConnection, type TopicMessage } from 'millhand/mqtt'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { millhand, start, type Running } from '../fixtures/cli/command.ts'
import { Ledger } from '../fixtures/mqtt/ledger.ts'
import { until } from '../fixtures/until.ts'
import { startMosquitto } from '../servers/mosquitto.ts'
import type { PrivateServer } from '../servers/private-server.ts'

const ROUTER = fileURLToPath(new URL('../fixtures/mqtt/ledger-router.ts', import.meta.url))
let broker: PrivateServer
let folder: string
const running = new Set<Running>()

beforeAll(async () => {
  broker = await startMosquitto({ users: { ada: 'secret-word' } })
})
afterAll(() => broker.stop())
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millhand-mqtt-'))
})
afterEach(async () => {
  for (const { child } of running) child.kill('SIGKILL')
  await Promise.all([...running].map(({ ended }) => ended))
  running.clear()
  await rm(folder, { recursive: true })
})

function environment(): Record<string, string> {
  return {
    MQTT_BROKER: '127.0.0.1',
    MQTT_PORT: String(broker.port),
    MQTT_USERNAME: 'ada',
    MQTT_PASSWORD: 'secret-word',
  }
}

async function routers(files: Readonly<Record<string, string>>): Promise<string> {
  const directory = join(folder, 'routers')
  await mkdir(directory)
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text)
  return directory
}

/** A router in a folder that has no packages. */
const source = (filter: string): string =>
  `import { Router } from '${new URL('../../src/topic/mqtt/index.ts', import.meta.url).href}'
export const router = new Router().on('${filter}', () => {}, { shared: true, workerCount: 2 })
`

describe('millhand mqtt routes', () => {
  test('lists the routes of a file, for people and as JSON, and asks no broker', async () => {
    const { code, out } = await millhand(['mqtt', 'routes', ROUTER])
    expect(code).toBe(0)
    expect(out).toMatch(/^TOPIC +QOS +SHARED +WORKERS/)
    expect(out).toMatch(/pairs\/\{id\} +1 +yes +2 +100 +onSuccess/)
    const json = await millhand(['mqtt', 'routes', ROUTER, '--json'])
    expect(JSON.parse(json.out)).toContainEqual({
      ...{ topic: 'pairs/{id}', mqttTopic: 'pairs/+', qos: 1, shared: true, workerCount: 2 },
      ...{ concurrency: 100, ack: 'onSuccess' },
    })
  })

  test('lists those of all files of a directory, but not of what begins with _ and of tests', async () => {
    const directory = await routers({
      'a.ts': source('a/{x}'),
      'b.mjs': source('b/#'),
      '_own.ts': 'export const nothing = 1',
      'a.test.ts': 'throw new Error("a test")',
      'notes.md': '',
    })
    const { out } = await millhand(['mqtt', 'routes', directory, '--json'])
    expect((JSON.parse(out) as { topic: string }[]).map(({ topic }) => topic)).toEqual(['a/{x}', 'b/#'])
  })

  test.each<[string, Record<string, string>, RegExp]>([
    [
      'a syntax error, with its line',
      { 'a.mjs': source('a'), 'b.mjs': 'export const a = 1\nconst b = = 2\n' },
      /b\.mjs:2: cannot be loaded/,
    ],
    [
      'a file that throws',
      { 'a.ts': 'const a = 1\nthrow new Error("no key")\n' },
      /a\.ts:2:7: failed while it was loaded: Error: no key/,
    ],
    ['an import that leads nowhere', { 'a.ts': `import './gone.ts'` }, /gone\.ts/],
    [
      'a file without a router',
      { 'a.ts': source('a'), 'b.ts': 'export const other = 1' },
      /b\.ts: exports no router, it exports other/,
    ],
    [
      'a router without routes',
      { 'a.ts': source('a').replace(/\.on\(.*\)/, '') },
      /a\.ts: its router has no routes/,
    ],
    [
      'two routes alike, with both files',
      { 'a.ts': source('x/{a}'), 'b.ts': source('x/+') },
      /b\.ts: .*x\/\+.*a\.ts/s,
    ],
    ['a filter that cannot be', { 'a.ts': source('a/#/b') }, /a\.ts:2.*'#' must be the last level/],
    ['an empty directory', {}, /has no file with a router in it/],
  ])('refuses %s', async (_name, files, message) => {
    const { code, err, out } = await millhand(['mqtt', 'routes', await routers(files)])
    expect(err).toMatch(message)
    expect(err.trimEnd().split('\n')).toHaveLength(1)
    expect({ code: code === 0, out }).toEqual({ code: false, out: '' })
  })

  test('refuses a directory that is not there', async () => {
    const { code, err } = await millhand(['mqtt', 'routes', join(folder, 'gone')])
    expect(code).toBe(1)
    expect(err).toContain('there is no file')
  })
})

describe('millhand mqtt run and publish', () => {
  test('handle what is published, in so many processes, until SIGTERM', async () => {
    const ledger = new Ledger(join(folder, 'ledger'))
    const env = { ...environment(), LEDGER: join(folder, 'ledger') }
    const command = start(['mqtt', 'run', ROUTER, '--workers', '2', '--group', 'cli', '--client-id', 'cli'], {
      env,
    })
    running.add(command)
    await command.printed('"worker":"mqtt-0","msg":"worker started"')
    await command.printed('"worker":"mqtt-1","msg":"worker started"')
    const published = await millhand(['mqtt', 'publish', 'jobs/1', '{"a":1}', '--json'], { env })
    expect(JSON.parse(published.out)).toEqual({ topic: 'jobs/1', bytes: 7, qos: 1, retain: false })
    await millhand(['mqtt', 'publish', 'jobs/2', '2'], { env })
    await until(() => ledger.counts().size === 2)
    command.child.kill('SIGTERM')
    const { code, err } = await command.ended
    expect(code).toBe(0)
    expect(err).not.toContain('secret-word')
  })

  test('a payload comes from standard input as it is, and may be kept by the broker', async () => {
    const env = environment()
    const bytes = 'one\ntwo\0'
    await millhand(
      ['mqtt', 'publish', 'kept', '-', '--retain', '--qos', '2', '--content-type', 'text/plain'],
      { env, input: bytes },
    )
    const heard: TopicMessage[] = []
    const connection = new MqttConnection(
      { url: broker.url, username: 'ada', password: 'secret-word' },
      (message, receipt) => {
        heard.push(message)
        receipt.ack()
      },
    )
    await connection.subscribe([{ filter: 'kept' }])
    await connection.connect()
    await until(() => heard.length === 1)
    await connection.disconnect()
    expect(Buffer.from(heard[0]!.payload).toString()).toBe(bytes)
    expect(heard[0]).toMatchObject({ retain: true, properties: { contentType: 'text/plain' } })
  })

  test.each<[string, string[], number, RegExp]>([
    ['a topic with a wildcard', ['publish', 'a/#', 'x'], 2, /wildcard/],
    ['a QoS that is none', ['publish', 'a', 'x', '--qos', '3'], 2, /Expected 0, 1 or 2/],
    ['a broker that is no URL', ['publish', 'a', 'x', '--broker', 'ada:secret-word@b'], 2, /--broker/],
    [
      'a broker that is not there',
      ['publish', 'a', 'x', '--broker', 'mqtt://ada:secret-word@127.0.0.1:9'],
      1,
      /127\.0\.0\.1:9/,
    ],
    ['more workers than are of use', ['run', ROUTER, '--workers', '100'], 2, /from 1 to 64/],
    ['no workers at all', ['run', ROUTER, '--workers', '0'], 2, /at least 1/],
  ])('refuse %s', async (_name, argv, code, message) => {
    const result = await millhand(['mqtt', ...argv], { env: environment() })
    expect(result.err).toMatch(message)
    expect(result.code).toBe(code)
    expect(result.err + result.out).not.toContain('secret-word')
  })

  test('refuse wrong credentials at once, without showing them', async () => {
    const env = { ...environment(), MQTT_PASSWORD: 'guessed-word' }
    const publish = await millhand(['mqtt', 'publish', 'a', 'x'], { env })
    expect(publish).toMatchObject({
      code: 1,
      err: expect.stringMatching(/bad user name or password|not authorized/),
    })
    const run = await millhand(['mqtt', 'run', ROUTER, '--workers', '2'], { env })
    expect(run).toMatchObject({
      code: 1,
      err: expect.stringMatching(/bad user name or password|not authorized/),
    })
    expect(publish.err + run.err).not.toContain('guessed-word')
  })
})

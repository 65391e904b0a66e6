import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { runsOf } from '../fixtures/examples/runs.ts'
import { until } from '../fixtures/until.ts'
import { findMosquitto } from '../servers/binaries.ts'
import { startMosquitto } from '../servers/mosquitto.ts'
import type { PrivateServer } from '../servers/private-server.ts'

const AT = 1_767_225_600_000
let runs: ReturnType<typeof runsOf>

afterEach(() => runs.clean())

test('by one command a fleet on an embedded broker is stored, with its faults told apart', async () => {
  runs = runsOf('telemetry')
  const run = runs.start('--once', '--json', '--devices', '10', '--minutes', '5', '--db', 'telemetry.db')
  expect(await run.ended, run.log()).toBe(0)
  const summary = JSON.parse(run.out()) as Record<string, number>
  expect(summary).toMatchObject({ devices: 10, missing: 0, answered: 5, commands: 5 })
  for (const fault of ['duplicates', 'gaps', 'broken']) expect(summary[fault]).toBeGreaterThan(0)
  expect(summary['readings']! + summary['gaps']!).toBe(10 * 2 * 5 * 6)

  const db = new DatabaseSync(join(runs.folder, 'telemetry.db'), { readOnly: true })
  const differences = db
    .prepare(
      `SELECT device, kind, at / 60000 * 60000 AS minute, count(*) AS count, round(sum(value), 6) AS sum,
         min(value) AS least, max(value) AS most FROM readings GROUP BY 1, 2, 3
       EXCEPT SELECT device, kind, minute, count, round(sum, 6), least, most FROM minutes`,
    )
    .all()
  expect(differences).toEqual([])
  db.close()
})

describe('on mosquitto, with its own clients as strangers', () => {
  const programs = findMosquitto()!
  const listeners: ChildProcess[] = []
  let broker: PrivateServer

  beforeAll(async () => {
    broker = await startMosquitto()
  })
  afterEach(() => {
    for (const listener of listeners.splice(0)) listener.kill()
  })
  afterAll(() => broker.stop())

  const place = (): string[] => ['-h', '127.0.0.1', '-p', String(broker.port), '-V', '5', '-q', '1']

  async function publish(topic: string, payload: string, ...more: string[]): Promise<void> {
    await promisify(execFile)(programs.pub, [...place(), '-t', topic, '-m', payload, ...more])
  }

  /** What arrives from now on: topic, correlation data, user properties and payload. */
  async function listen(filter: string, probe: string): Promise<() => string[]> {
    const listener = spawn(programs.sub, [...place(), '-t', filter, '-F', '%t %D %P %p'])
    listeners.push(listener)
    let heard = ''
    listener.stdout.setEncoding('utf8').on('data', (chunk: string) => (heard += chunk))
    // It does not say when it is subscribed.
    await until(
      async () => {
        await publish(probe, 'probe')
        return heard.includes('probe')
      },
      { what: 'mosquitto_sub to be subscribed' },
    )
    return () => heard.split('\n').filter((line) => line !== '' && !line.endsWith('probe'))
  }

  test('what they publish is stored once, what is broken is a dead letter, and who asks is answered', async () => {
    runs = runsOf('telemetry')
    const run = runs.start('--broker', broker.url, '--devices', '0', '--db', 'telemetry.db')
    await run.printed('listening to')
    const dead = await listen('millhand/dead/#', 'millhand/dead/probe')
    const answers = await listen('answers/me', 'answers/me')
    const reading = (seq: number, celsius: unknown): string =>
      JSON.stringify({ celsius, at: AT + seq, boot: 1, seq })

    await publish('fleet/kiln/state', JSON.stringify({ state: 'online', at: AT }), '-r')
    await publish('fleet/kiln/temperature', reading(1, 80))
    await publish('fleet/kiln/temperature', reading(1, 80))
    await publish('fleet/kiln/temperature', reading(4, 90.5))
    await publish('fleet/kiln/temperature', reading(5, 'hot'))
    await publish('fleet/kiln/temperature', '{"celsius')
    await until(() => dead().length === 2, { what: 'two dead letters' })
    for (const letter of dead())
      expect(letter).toMatch(/celsius.*fleet\/kiln\/temperature|fleet\/kiln\/temperature.*celsius/)

    const properties = ['response-topic', 'answers/me'].concat('-D', 'publish', 'correlation-data', 'q-1')
    for (const command of ['latest', 'minutes'])
      await publish('fleet/kiln/commands', JSON.stringify({ command }), '-D', 'publish', ...properties)
    await until(() => answers().length === 2, { what: 'two answers' })
    const [latest, minutes] = answers()
    expect(latest).toContain('q-1')
    expect(latest).toContain('{"device":"kiln","state":"online","readings":{"temperature":90.5}}')
    expect(minutes).toContain(
      `{"kind":"temperature","minute":${AT},"count":2,"mean":85.25,"least":80,"most":90.5}`,
    )

    run.child.kill('SIGTERM')
    expect(await run.ended, run.log()).toBe(0)
    const db = new DatabaseSync(join(runs.folder, 'telemetry.db'), { readOnly: true })
    expect(db.prepare('SELECT seq FROM readings ORDER BY seq').all()).toEqual([{ seq: 1 }, { seq: 4 }])
    db.close()
  })

  test('what they publish while it is away, or killed, is stored when it is back', async () => {
    runs = runsOf('telemetry')
    const start = ['--broker', broker.url, '--devices', '0', '--db', 'telemetry.db']
    const first = runs.start(...start)
    await first.printed('listening to')
    const send = async (from: number): Promise<void> => {
      for (let seq = from; seq < from + 5; seq++)
        await publish('fleet/pump/humidity', JSON.stringify({ percent: 50, at: AT, boot: 1, seq }))
    }
    await send(0)
    first.child.kill('SIGKILL')
    await first.ended
    await send(5)
    const second = runs.start(...start)
    await second.printed('listening to')
    const db = new DatabaseSync(join(runs.folder, 'telemetry.db'), { readOnly: true })
    await until(
      () => db.prepare("SELECT count(*) AS n FROM readings WHERE device = 'pump'").get()?.['n'] === 10,
      {
        what: 'ten readings',
      },
    )
    db.close()
    second.child.kill('SIGTERM')
    expect(await second.ended, second.log()).toBe(0)
  })

  test('a simulated fleet asks by response topic and correlation data', async () => {
    runs = runsOf('telemetry')
    const run = runs.start(
      '--once',
      '--json',
      '--broker',
      broker.url,
      '--devices',
      '3',
      '--minutes',
      '2',
      '--db',
      't.db',
    )
    expect(await run.ended, run.log()).toBe(0)
    expect(JSON.parse(run.out())).toMatchObject({ missing: 0, answered: 3 })
  })
})

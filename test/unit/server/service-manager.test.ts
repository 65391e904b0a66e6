/**
 * What the service manager is told. Were it wrong, systemd would give up a service that is well, or leave one alone
 * that is not. A script stands in for `systemd-notify`; the real one is in test/integration/systemd.test.ts.
 */
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { captureLogger } from 'millhand/testing'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Emitter } from '../../../src/core/events.ts'
import type { ServerEvents } from '../../../src/server/server-events.ts'
import { notifyServiceManager } from '../../../src/server/service-manager.ts'
import { until } from '../../fixtures/until.ts'

let folder: string
let events: Emitter<ServerEvents>
let log: ReturnType<typeof captureLogger>
let end: () => Promise<void>

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millhand-notify-'))
  events = new Emitter()
  log = captureLogger()
  end = () => Promise.resolve()
})
afterEach(async () => {
  await end()
  await rm(folder, { recursive: true })
})

/** Writes each message as a line, its assignments separated by `|`. */
const RECORDS = String.raw`printf '%s|' "$@" >> "$RECORD"; echo >> "$RECORD"`

async function standIn(script: string): Promise<void> {
  await writeFile(join(folder, 'systemd-notify'), `#!/bin/sh\n${script}\n`)
  await chmod(join(folder, 'systemd-notify'), 0o755)
}

function listen(environment: Record<string, string> = {}, isLive: () => boolean = () => true) {
  end = notifyServiceManager(events, {
    logger: log,
    isLive,
    environment: {
      NOTIFY_SOCKET: '/run/systemd/notify',
      RECORD: join(folder, 'record'),
      PATH: `${folder}:/usr/bin:/bin`,
      ...environment,
    },
  })
}

async function messages(): Promise<string[][]> {
  const text = await readFile(join(folder, 'record'), 'utf8').catch(() => '')
  const lines = text.split('\n').slice(0, -1)
  return lines.map((line) => line.split('|').slice(0, -1))
}

describe('a service manager', () => {
  test('is told, in order, when the server is ready, reloads, rests, and stops', async () => {
    await standIn(RECORDS)
    listen()
    const before = process.hrtime.bigint() / 1000n
    events.emit('ready', { workers: 3 })
    events.emit('reloading', { workers: 3 })
    events.emit('ready', { workers: 1 })
    events.emit('quiet', { isQuiet: true })
    events.emit('stopping', { reason: 'SIGTERM' })
    await end()
    const said = await messages()
    const now = expect.stringMatching(/^MONOTONIC_USEC=\d+$/)
    expect(said).toEqual([
      ['READY=1', 'STATUS=running 3 workers'],
      ['RELOADING=1', now, 'STATUS=replacing 3 workers, one by one'],
      ['READY=1', 'STATUS=running 1 worker'],
      ['STATUS=quiet: takes no new work'],
      ['STOPPING=1', 'STATUS=stopping: SIGTERM'],
    ])
    const told = BigInt(said[1]![1]!.split('=')[1]!)
    expect(told >= before && told <= process.hrtime.bigint() / 1000n).toBe(true)
  })

  test('is told who failed for good, in one line, however the error reads', async () => {
    await standIn(RECORDS)
    listen()
    const error = new Error(`lost\nREADY=1\0\u2028 ${'ü'.repeat(5000)}`)
    events.emit('unhealthy', { worker: 'mailer', error })
    await end()
    const [[status = ''] = []] = await messages()
    expect(status).toMatch(/^STATUS=unhealthy: worker mailer failed for good: lost READY=1 +ü+…$/)
    // The service manager drops what is longer than 4,096 bytes.
    expect(Buffer.byteLength(status)).toBeLessThan(2100)
  })

  test('is left alone when there is none', async () => {
    await standIn(RECORDS)
    listen({ NOTIFY_SOCKET: '', WATCHDOG_USEC: '1000' })
    expect(events.has('ready')).toBe(false)
    events.emit('ready', { workers: 1 })
    await end()
    expect(await messages()).toEqual([])
  })

  test('hears nothing more after the end', async () => {
    await standIn(RECORDS)
    listen({ WATCHDOG_USEC: '200000' })
    await until(async () => (await messages()).length > 0)
    await end()
    expect(events.has('ready')).toBe(false)
    const { length } = await messages()
    events.emit('ready', { workers: 1 })
    await new Promise((resolve) => setTimeout(resolve, 250))
    expect(await messages()).toHaveLength(length)
  })
})

describe('without a systemd-notify that works', () => {
  test('one warning says what to install, and the server goes on', async () => {
    listen({ PATH: folder })
    events.emit('ready', { workers: 1 })
    events.emit('stopping', { reason: 'SIGTERM' })
    await end()
    expect(log.lines).toEqual([
      expect.objectContaining({
        level: 'warn',
        message: expect.stringContaining('there is no command systemd-notify'),
      }),
    ])
  })

  test('one warning says so when it fails', async () => {
    await standIn('echo no such socket >&2; exit 1')
    listen()
    events.emit('ready', { workers: 1 })
    events.emit('stopping', { reason: 'SIGTERM' })
    await end()
    expect(log.lines).toHaveLength(1)
    expect(log.lines[0]).toMatchObject({
      level: 'warn',
      message: expect.stringContaining('systemd-notify failed'),
      fields: { err: expect.objectContaining({ message: expect.stringContaining('no such socket') }) },
    })
  })
})

describe('the watchdog of a service manager', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }))
  afterEach(() => void vi.useRealTimers())

  /** How many pings there were. One more message goes the same way: what was under way before it has arrived. */
  async function pings(): Promise<number> {
    const { length } = (await messages()).filter(([first]) => first !== 'WATCHDOG=1')
    events.emit('quiet', { isQuiet: true })
    await until(async () => (await messages()).filter(([first]) => first !== 'WATCHDOG=1').length > length)
    return (await messages()).filter(([first]) => first === 'WATCHDOG=1').length
  }

  test('is fed twice in its time', async () => {
    await standIn(RECORDS)
    listen({ WATCHDOG_USEC: '1000000', WATCHDOG_PID: String(process.pid) })
    for (let fed = 0; fed < 3; fed++) {
      vi.advanceTimersByTime(499)
      expect(await pings()).toBe(fed)
      vi.advanceTimersByTime(1)
      expect(await pings()).toBe(fed + 1)
    }
  })

  test('is not fed while the server is not live, so that it is started again', async () => {
    await standIn(RECORDS)
    let isLive = true
    listen({ WATCHDOG_USEC: '200000' }, () => isLive)
    vi.advanceTimersByTime(100)
    expect(await pings()).toBe(1)
    isLive = false
    vi.advanceTimersByTime(300)
    expect(await pings()).toBe(1)
  })

  test('is not fed by a process that it does not wait for, which says so', async () => {
    await standIn(RECORDS)
    listen({ WATCHDOG_USEC: '200000', WATCHDOG_PID: String(process.ppid) })
    expect(log.lines).toEqual([
      expect.objectContaining({
        level: 'warn',
        message: expect.stringContaining(`waits for process ${process.ppid}`),
      }),
    ])
    events.emit('ready', { workers: 1 })
    await end()
    expect(await messages()).toEqual([['READY=1', 'STATUS=running 1 worker']])
  })

  test('gets no second ping while one is under way, so that none pile up', async () => {
    await standIn(`${RECORDS}; while [ ! -e "$RECORD.read" ]; do sleep 0.01; done`)
    listen({ WATCHDOG_USEC: '200000' })
    vi.advanceTimersByTime(500)
    await until(async () => (await messages()).length === 1)
    vi.advanceTimersByTime(500)
    await writeFile(join(folder, 'record.read'), '')
    expect(await pings()).toBe(1)
    vi.advanceTimersByTime(100)
    expect(await pings()).toBe(2)
  })

  test.each(['', '0', '-5', 'soon'])('is off when its time is %j', async (time) => {
    await standIn(RECORDS)
    listen({ WATCHDOG_USEC: time }, () => expect.fail('asked'))
    await end()
    expect(log.lines).toEqual([])
  })
})

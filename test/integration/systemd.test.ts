/**
 * The real `systemd-notify`, and at the other end of its socket what systemd would receive. If these messages were
 * wrong, `systemctl start` would hang until it gives a healthy service up.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { captureLogger } from 'millhand/testing'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Emitter } from '../../src/core/events.ts'
import type { ServerEvents } from '../../src/server/server-events.ts'
import { notifyServiceManager } from '../../src/server/service-manager.ts'
import { until } from '../fixtures/until.ts'

const RECEIVER = fileURLToPath(new URL('../fixtures/server/notify-socket.py', import.meta.url))

const missing = ['systemd-notify', 'python3'].filter((command) => {
  return spawnSync(command, ['--version'], { stdio: 'ignore' }).status !== 0
})

interface Message {
  readonly pid: number
  readonly lines: readonly string[]
}

describe.skipIf(missing.length > 0)(
  `systemd-notify (missing here: ${missing.join(', ') || 'nothing'})`,
  () => {
    let folder: string
    let socket: string
    let receiver: ChildProcess
    let messages: Message[]

    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'millhand-systemd-'))
      socket = join(folder, 'notify')
      messages = []
      const child = spawn('python3', [RECEIVER, socket], { stdio: ['pipe', 'pipe', 'inherit'] })
      receiver = child
      const lines = createInterface(child.stdout)
      await once(lines, 'line')
      lines.on('line', (line) => messages.push(JSON.parse(line) as Message))
    })
    afterEach(async () => {
      const ended = once(receiver, 'exit')
      receiver.stdin!.end()
      await ended
      await rm(folder, { recursive: true })
    })

    test('takes to systemd what the server says, in order, each as one message', async () => {
      const events = new Emitter<ServerEvents>()
      const logger = captureLogger()
      const environment = { ...process.env, NOTIFY_SOCKET: socket, WATCHDOG_USEC: '400000' }
      const end = notifyServiceManager(events, { logger, isLive: () => true, environment })
      events.emit('ready', { workers: 2 })
      events.emit('reloading', { workers: 2 })
      events.emit('ready', { workers: 2 })
      events.emit('unhealthy', { worker: 'mailer', error: new Error('no\nSTOPPING=1 ü') })
      await until(() => messages.some(({ lines }) => lines[0] === 'WATCHDOG=1'))
      events.emit('stopping', { reason: 'SIGTERM' })
      await end()
      await until(() => messages.some(({ lines }) => lines[0] === 'STOPPING=1'))
      expect(messages.map(({ lines }) => lines).filter(([first]) => first !== 'WATCHDOG=1')).toEqual([
        ['READY=1', 'STATUS=running 2 workers'],
        [
          'RELOADING=1',
          expect.stringMatching(/^MONOTONIC_USEC=\d+$/),
          'STATUS=replacing 2 workers, one by one',
        ],
        ['READY=1', 'STATUS=running 2 workers'],
        ['STATUS=unhealthy: worker mailer failed for good: no STOPPING=1 ü'],
        ['STOPPING=1', 'STATUS=stopping: SIGTERM'],
      ])
      // Where it may, systemd-notify speaks in the name of its parent; NotifyAccess=all is for where it may not.
      if (process.getuid?.() === 0)
        expect(new Set(messages.map(({ pid }) => pid))).toEqual(new Set([process.pid]))
      expect(logger.lines).toEqual([])
    })

    test('that finds nobody at the socket costs one warning', async () => {
      const events = new Emitter<ServerEvents>()
      const logger = captureLogger()
      const environment = { ...process.env, NOTIFY_SOCKET: join(folder, 'gone') }
      const end = notifyServiceManager(events, { logger, isLive: () => true, environment })
      events.emit('ready', { workers: 1 })
      events.emit('stopping', { reason: 'SIGTERM' })
      await end()
      expect(logger.messages()).toEqual([expect.stringContaining('systemd-notify failed')])
    })
  },
)

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { until } from '../fixtures/until.ts'
import { ask, startRedis } from '../servers/redis.ts'
import { startPostgres } from '../servers/postgres.ts'

const OWNER = join(import.meta.dirname, '../fixtures/servers/owner.ts')

async function ownedBy(kind: 'redis' | 'postgres') {
  const owner = spawn(process.execPath, [OWNER, kind], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = (await once(owner.stdout.setEncoding('utf8'), 'data')) as [string]
  const { port, folder } = JSON.parse(line) as { port: number; folder: string }
  return { owner, port, folder }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

for (const kind of ['redis', 'postgres'] as const) {
  test(
    `a private ${kind} ends, and its folder goes, when its process is killed`,
    { timeout: 20_000 },
    async () => {
      const { owner, port, folder } = await ownedBy(kind)
      expect(await answers(port)).toBe(true)
      owner.kill('SIGKILL')
      await until(async () => !(await answers(port)) && !existsSync(folder), {
        timeout: '10s',
        what: 'the server and its folder to be gone',
      })
    },
  )
}

test('a server that was killed starts at the same port with what it had kept', async () => {
  const server = await startRedis({ durable: true })
  onTestFinished(() => server.stop())
  const { url, pid } = server
  await ask(server.port, 'SET a 1')
  await server.kill('SIGKILL')
  expect(await answers(server.port)).toBe(false)
  await server.start()
  expect(server.url).toBe(url)
  expect(server.pid).not.toBe(pid)
  expect(await ask(server.port, 'GET a')).toContain('1')
})

test('what is wrong with a start is told in the words of the server', async () => {
  await expect(startRedis({ args: ['--no-such-setting', '1'] })).rejects.toThrow(/no-such-setting/)
  await expect(startPostgres({ settings: { no_such_setting: '1' } })).rejects.toThrow(/no_such_setting/)
})

/** Probes as a minder sees them: over HTTP, of real processes, through a whole life. */
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { millhand, start, type Running } from '../fixtures/cli/command.ts'
import { until } from '../fixtures/until.ts'

const PROBED = fileURLToPath(new URL('../fixtures/cli/probed.ts', import.meta.url))

let folder: string
let command: Running | undefined

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millhand-probes-'))
})
afterEach(async () => {
  command?.child.kill('SIGKILL')
  await command?.ended
  await rm(folder, { recursive: true })
})

/** The base URL, from the log: what else would tell of a port that the system chose? */
async function urlOf(running: Running): Promise<string> {
  let log = ''
  running.child.stderr!.on('data', (text: string) => {
    log += text
  })
  await running.printed('probes at ')
  return await until(() => /probes at (http:\S+):/.exec(log)?.[1])
}

async function ask(url: string): Promise<unknown[]> {
  const answers = ['/startup', '/ready', '/live'].map(async (path) => {
    const response = await fetch(url + path)
    const { reason } = (await response.json()) as { reason?: string }
    return response.ok ? 'ok' : `${response.status} ${reason}`
  })
  return await Promise.all(answers)
}

describe('millhand run --probes', () => {
  test('answers from before the start to the end: starting, up, draining, gone', async () => {
    command = start(['run', PROBED, '--probes', '0'], { env: { FOLDER: folder } })
    const url = await urlOf(command)
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    expect(await ask(url)).toEqual(['503 not started yet: probed', '503 not started yet: probed', 'ok'])
    await writeFile(join(folder, 'up'), '')
    await until(async () => (await ask(url)).every((answer) => answer === 'ok'))
    command.child.kill('SIGTERM')
    await until(async () => (await ask(url))[1] === '503 draining')
    // While it drains nobody may take it for dead and kill it.
    expect(await ask(url)).toEqual(['ok', '503 draining', 'ok'])
    await writeFile(join(folder, 'drained'), '')
    expect(await command.ended).toMatchObject({ code: 0, signal: null })
    await expect(fetch(`${url}/live`)).rejects.toThrow('fetch failed')
  })

  test('says that the port is taken, and runs nothing', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as { port: number }
    const { code, err } = await millhand(['run', PROBED, '--probes', `127.0.0.1:${port}`])
    await new Promise((resolve) => other.close(resolve))
    expect(code).toBe(2)
    expect(JSON.stringify(err)).toContain(
      `error: --probes: expected port to be free on 127.0.0.1, got: ${port}`,
    )
    expect(err.trimEnd().split('\n')).toHaveLength(1)
  })

  test('says what an address looks like, and shows one in its help', async () => {
    expect(await millhand(['run', PROBED, '--probes', 'everywhere'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('Expected a port, or an address such as 127.0.0.1:8080'),
    })
    expect((await millhand(['run', '--help'])).out).toContain('millhand run mail.ts --probes 0.0.0.0:8080')
  })
})

test('a process ends with its server, although nobody stopped the probes or hung up', async () => {
  const file = fileURLToPath(new URL('../fixtures/http/forgotten.ts', import.meta.url))
  const child = spawn(process.execPath, ['--conditions=millhand-source', file], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  const closed = once(child, 'close')
  const [printed] = await once(child.stdout.setEncoding('utf8'), 'data')
  expect(printed).toBe('ended\n')
  const endedAt = performance.now()
  expect(await closed).toEqual([0, null])
  // After five seconds the probes themselves would have hung up.
  expect(performance.now() - endedAt).toBeLessThan(4500)
})

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { breakOut } from '../../examples/sandbox/demonstrations.ts'
import { Sandbox } from '../../examples/sandbox/sandbox.ts'
import type { Outcome } from '../../examples/sandbox/snippet.ts'
import { runsOf } from '../fixtures/examples/runs.ts'
import { until } from '../fixtures/until.ts'

const FORBIDDEN = join(tmpdir(), `sandbox-was-here-${process.pid}`)

let sandbox: Sandbox
beforeAll(() => {
  process.env['SANDBOX_TEST_SECRET'] = 'hunter2'
  // Patient, so that what ends a snippet here is what the test is about, however busy the machine.
  sandbox = new Sandbox({ timeLimitMs: 30_000, busyLimitMs: 20_000 })
})
afterAll(() => sandbox.close())

const run = (code: string, input?: unknown): Promise<Outcome> => sandbox.run({ code, input })
/** Runs in the process itself, as code does that broke out of the script's context. */
const outside = (body: string): Promise<Outcome> => run(breakOut(body))
const builtin = (name: string): string => `process.getBuiltinModule('${name}')`

describe('a snippet', () => {
  test('gives its last value, awaited, and finds its input', async () => {
    expect(await run('input.a + input.b', { a: 1, b: 2 })).toEqual({ status: 'done', value: 3 })
    expect(await run('(async () => ({ deep: [1, null] }))()')).toEqual({
      status: 'done',
      value: { deep: [1, null] },
    })
    expect(await run('let nothing')).toEqual({ status: 'done', value: null })
  })

  test.each([
    ['throws', 'throw new TypeError("no")', 'TypeError: no'],
    ['is no code', 'let let', 'SyntaxError'],
    ['throws what cannot be shown', 'throw { toString() { throw 1 } }', 'cannot be shown'],
    ['gives what is not JSON', '10n', 'BigInt'],
    ['gives a function', '() => 1', 'not JSON'],
    ['gives too much', '"x".repeat(100_000)', 'larger than 64 KiB'],
    ['asks for process.exit()', 'process.exit()', 'process is not defined'],
    ['asks for a module', 'require("node:fs")', 'require is not defined'],
    ['makes code of text', 'new Function("return 1")()', 'Code generation from strings disallowed'],
  ])('that %s has failed, and is told why', async (_, code, error) => {
    expect(await run(code)).toEqual({ status: 'threw', error: expect.stringContaining(error) })
  })

  // Without it one customer reads what another one left behind.
  test('finds nothing of the one before it, not even when that broke out', async () => {
    await run('globalThis.left = 1')
    expect(await run('typeof left')).toEqual({ status: 'done', value: 'undefined' })
    const { pid } = sandbox
    await outside('globalThis.left = 1; Array.prototype.map = 1')
    expect(await outside('return [typeof left, typeof Array.prototype.map]')).toEqual({
      status: 'done',
      value: ['undefined', 'function'],
    })
    expect(sandbox.pid).not.toBe(pid)
  })
})

describe('a snippet that takes too much is ended, and the next one runs', () => {
  // Without it one snippet stops the service for everyone.
  test.concurrent.each([
    ['an endless loop', 'while (true);', /no sign of life for \d+ ms/],
    ['an endless loop of promises', '(async () => { for (;;) await null })()', /no sign of life for \d+ ms/],
    ['a promise that never settles', 'new Promise(() => {})', /not done after 4000 ms/],
  ])('%s', async (_, code, error) => {
    const impatient = new Sandbox({ timeLimitMs: 4_000, busyLimitMs: 1_500 })
    expect(await impatient.run({ code: '1' })).toMatchObject({ status: 'done' })
    expect(await impatient.run({ code })).toEqual({ status: 'killed', error: expect.stringMatching(error) })
    expect(await impatient.run({ code: '2' })).toEqual({ status: 'done', value: 2 })
    await impatient.close()
  })

  test('more objects than its heap may have', async () => {
    const outcome = await run('const all = []; while (true) all.push(new Array(1000).fill(all.length))')
    expect(outcome).toEqual({ status: 'exited', error: expect.stringMatching(/heap is full|SIGABRT/) })
    expect(await run('3')).toEqual({ status: 'done', value: 3 })
  })

  test('more memory than its process may have, outside of the heap', async () => {
    const hog = `const all = []
      const more = async () => { for (;;) { all.push(new Uint8Array(2 ** 23).fill(1)); await pause() } }
      const pause = () => new Promise((resolve) => import('out').catch((e) =>
        e.constructor.constructor('return setTimeout')()(resolve, 20)))
      more()`
    expect(await run(hog)).toEqual({ status: 'killed', error: 'it took too much memory' })
    expect(await run('4')).toEqual({ status: 'done', value: 4 })
  })

  test('process.exit, by one who broke out', async () => {
    const outcome = await outside('process.exit(3)')
    expect(outcome).toEqual({ status: 'exited', error: expect.stringContaining('exited with code 3') })
    expect(await run('5')).toEqual({ status: 'done', value: 5 })
  })

  test('a forged answer is at most a wrong answer of its own', async () => {
    const forged = `process.send({ kind: 'event', event: 'message', value: { worker: 'x', message: null } }); return 1`
    expect(await outside(forged)).toEqual({ status: 'threw', error: 'undefined' })
    expect(await run('6')).toEqual({ status: 'done', value: 6 })
  })
})

describe('code that broke out of the script is in a process that may do little', () => {
  test.each([
    ['read a file', `${builtin('fs')}.readFileSync('/etc/passwd')`],
    ['read its first environment', `${builtin('fs')}.readFileSync('/proc/self/environ')`],
    ['list a folder', `${builtin('fs')}.readdirSync('/')`],
    ['write a file', `${builtin('fs')}.writeFileSync(${JSON.stringify(FORBIDDEN)}, '')`],
    ['start a program', `${builtin('child_process')}.execSync('id')`],
    ['start a thread', `new (${builtin('worker_threads')}.Worker)('1', { eval: true })`],
    ['load native code', `process.dlopen({ exports: {} }, '/lib/x.node')`],
    ['debug itself', `new (${builtin('inspector')}.Session)().connect()`],
  ])('cannot %s', async (_, code) => {
    const refused = expect.stringMatching(/restricted|disabled/) as string
    expect(await outside(`return ${code}`)).toEqual({ status: 'threw', error: refused })
    expect(existsSync(FORBIDDEN)).toBe(false)
  })

  // Without it a token in the environment of the service is anyone's.
  test('finds no environment; nor was there one when its process began', async () => {
    expect(await outside('return process.env')).toEqual({ status: 'done', value: {} })
    await until(() => sandbox.pid !== undefined)
    expect(process.env['SANDBOX_TEST_SECRET']).toBe('hunter2')
    if (process.platform !== 'linux') return
    const environment = readFileSync(`/proc/${sandbox.pid}/environ`, 'utf8')
    expect(environment).toContain('SANDBOX_TEST_SECRET=')
    expect(environment).not.toContain('hunter2')
  })

  // The README says so; a Node that begins to refuse it makes this line wrong, for the better.
  test('reaches the network, unless this Node can refuse that too', async () => {
    const server = createServer((socket) => void socket.end('hello')).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const outcome = await outside(`return new Promise((resolve, reject) => {
      ${builtin('net')}.connect(${port}, '127.0.0.1').on('data', (data) => resolve(String(data))).on('error', reject)
    })`)
    server.close()
    const canRefuse = process.allowedNodeEnvironmentFlags.has('--allow-net')
    expect(outcome.status).toBe(canRefuse ? 'threw' : 'done')
  })
})

test('the command runs files, one line of JSON for each', async () => {
  const runs = runsOf('sandbox')
  writeFileSync(`${runs.folder}/sum.js`, 'input.reduce((a, b) => a + b)')
  const sum = runs.start('sum.js')
  expect(await sum.ended, sum.log()).toBe(0)
  expect(JSON.parse(sum.out())).toEqual({ name: 'sum.js', status: 'done', value: 6 })
  const missing = runs.start('missing.js')
  expect(await missing.ended).toBe(1)
  expect(missing.log()).toContain('error: ENOENT')
  runs.clean()
})

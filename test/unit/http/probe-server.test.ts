/** The server of the probes: what minders of a process see of it, and what it may never do to the process. */
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ProbeServer } from '../../../src/http/index.ts'
import { stubProbed, workersIn, type StubProbed } from './stub-probed.ts'

let probed: StubProbed
let probes: ProbeServer

beforeEach(async () => {
  probed = stubProbed()
  probes = new ProbeServer(probed, { port: 0 })
  await probes.start()
})
afterEach(() => probes.stop())

async function ask(path: string, init?: RequestInit) {
  const response = await fetch(probes.url + path, init)
  const text = await response.text()
  return {
    code: response.status,
    headers: response.headers,
    text,
    body: text === '' ? undefined : JSON.parse(text),
  }
}

async function codes() {
  return [(await ask('/startup')).code, (await ask('/ready')).code, (await ask('/live')).code]
}

describe('the probes', () => {
  test('are three separate answers: starting, running, draining, failed', async () => {
    Object.assign(probed, { isStarted: false, isReady: false })
    expect(await codes()).toEqual([503, 503, 200])
    Object.assign(probed, { isStarted: true, isReady: true })
    expect(await codes()).toEqual([200, 200, 200])
    Object.assign(probed, { isReady: false, workers: workersIn({ mailer: 'stopping' }) })
    expect(await codes()).toEqual([200, 503, 200])
    Object.assign(probed, { isReady: true, isLive: false, workers: workersIn({ mailer: 'failed' }) })
    expect(await codes()).toEqual([200, 200, 503])
  })

  test('are JSON with the reason, and are cached by nobody', async () => {
    Object.assign(probed, { isReady: false, workers: workersIn({ mailer: 'stopping' }) })
    const { headers, body } = await ask('/ready')
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8')
    expect(headers.get('cache-control')).toBe('no-store')
    expect(body).toEqual({
      ok: false,
      reason: 'draining',
      workers: [{ name: 'mailer', state: 'stopping', restarts: 2 }],
    })
  })

  test('answer HEAD without a body, and do not mind a query', async () => {
    expect(await ask('/live', { method: 'HEAD' })).toMatchObject({ code: 200, text: '' })
    probed.isLive = false
    expect(await ask('/live?from=kubelet', { method: 'HEAD' })).toMatchObject({ code: 503, text: '' })
  })

  test('refuse other methods with 405, and other paths with 404 and what there is', async () => {
    const posted = await ask('/ready', { method: 'POST', body: 'x'.repeat(100_000) })
    expect([posted.code, posted.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
    expect(await ask('/health')).toMatchObject({
      code: 404,
      body: { error: expect.stringContaining('/ready') },
    })
    for (const path of ['/', '/ready/', '//', '/constructor', '/%00'])
      expect((await ask(path)).code).toBe(404)
  })

  test('fail, and leave the process alone, when the status itself throws', async () => {
    Object.assign(probed, { isReady: false })
    probed.status = () => {
      throw new Error('no status')
    }
    expect(await ask('/ready')).toMatchObject({
      code: 503,
      body: { reason: expect.stringContaining('no status') },
    })
  })

  test('survive what is not HTTP', async () => {
    const socket = connect(probes.port, '127.0.0.1')
    socket.on('error', () => {}).resume()
    socket.end('\0\0\0 hello\r\n\r\n')
    await once(socket, 'close')
    expect((await ask('/live')).code).toBe(200)
  })
})

describe('the server of the probes', () => {
  test('listens on loopback only, unless told otherwise', async () => {
    const outside = Object.values(networkInterfaces()).flatMap((each) => each ?? [])
    const address = outside.find(({ internal, family }) => !internal && family === 'IPv4')?.address
    expect(probes.url).toBe(`http://127.0.0.1:${probes.port}`)
    // A machine without a network has nobody to hide from.
    if (address === undefined) return
    await expect(fetch(`http://${address}:${probes.port}/live`)).rejects.toThrow('fetch failed')
    const open = new ProbeServer(probed, { port: 0, host: '0.0.0.0' })
    await open.start()
    expect((await fetch(`http://${address}:${open.port}/live`)).status).toBe(200)
    await open.stop()
  })

  test('puts an IPv6 address into brackets', () => {
    expect(new ProbeServer(probed, { port: 8080, host: '::1' }).url).toBe('http://[::1]:8080')
  })

  test('says which option is at fault when the port is taken, and can be started when it is free', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as { port: number }
    const late = new ProbeServer(probed, { port })
    await expect(late.start()).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      option: 'port',
      message: expect.stringContaining(`expected port to be free on 127.0.0.1, got: ${port}`),
    })
    await new Promise((resolve) => other.close(resolve))
    await late.start()
    expect((await fetch(`${late.url}/live`)).status).toBe(200)
    await late.stop()
  })

  test('says so when the host is none of this machine', async () => {
    const far = new ProbeServer(probed, { port: 0, host: '203.0.113.7' })
    await expect(far.start()).rejects.toMatchObject({ code: 'INVALID_OPTION', option: 'host' })
  })

  test.each([
    [{ port: 65_536 }, 'expected port to be an integer from 0 to 65535'],
    [{}, 'expected port to be an integer from 0 to 65535, got: undefined'],
    [{ port: '8080' }, 'expected port to be'],
    [{ port: 0, host: '' }, 'expected host to be'],
    [{ port: 0, hosts: '0.0.0.0' }, 'did you mean "host"?'],
  ])('refuses %j', (options, message) => {
    expect(() => new ProbeServer(probed, options as never)).toThrow(message)
  })

  test('can be stopped with somebody connected, twice, and started again on another port', async () => {
    const idle = connect(probes.port, '127.0.0.1')
    idle.on('error', () => {})
    await once(idle, 'connect')
    const closed = once(idle, 'close')
    await probes.stop()
    await probes.stop()
    await closed
    await probes.start()
    expect((await ask('/live')).code).toBe(200)
  })
})

import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { until } from '../../fixtures/until.ts'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { Proxy } from '../../../chaos/proxy.ts'

let proxy: Proxy
/** What the server heard, on all connections. */
let heard: string

/** A server that gives back what it hears, behind a proxy. */
beforeEach(async () => {
  heard = ''
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('data', (data) => {
      heard += data.toString()
      socket.write(data)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  proxy = await Proxy.to((server.address() as AddressInfo).port)
  onTestFinished(async () => {
    await proxy.close()
    for (const socket of sockets) socket.destroy()
    server.close()
  })
})

/** A client that has been answered once. */
async function client(): Promise<{ socket: Socket; got: () => string; closed: Promise<unknown> }> {
  const socket = connect(proxy.port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  let text = ''
  socket.on('data', (data) => (text += data.toString()))
  socket.on('error', () => {})
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.write('hello ')
  await until(() => text === 'hello ')
  return { socket, got: () => text, closed }
}

describe('through a proxy', () => {
  test('what is said arrives both ways, in order, however the delay changes', async () => {
    const { socket, got } = await client()
    proxy.delay(40)
    socket.write('slow ')
    await until(() => heard.includes('slow'))
    proxy.delay(0)
    socket.write('fast')
    await until(() => got() === 'hello slow fast')
  })

  test('connections that are dropped are closed, and new ones work', async () => {
    const { closed } = await client()
    expect(proxy.drop()).toBe(1)
    await closed
    await client()
  })

  test('the server hears what is asked though the reply is lost', async () => {
    const { socket, got, closed } = await client()
    const losing = proxy.loseReplies(50)
    socket.write('do it')
    expect(await losing).toBe(1)
    await closed
    expect(heard).toBe('hello do it')
    expect(got()).toBe('hello ')
  })

  test('a half that ends is told to the other side', async () => {
    const one = await client()
    proxy.halfClose('client')
    await one.closed
    const other = await client()
    proxy.halfClose('server')
    await other.closed
  })

  test('a silent connection stays open and says nothing, and new ones work', async () => {
    const { socket, got } = await client()
    proxy.silence()
    socket.write('anybody?')
    await client()
    // Not even that somebody has left.
    const other = await client()
    proxy.silence()
    other.socket.destroy()
    expect(socket.readyState).toBe('open')
    expect(got()).toBe('hello ')
    expect(heard).not.toContain('anybody?')
  })
})

import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { isPostgresNotification, isRedisMessage, WakeUpFilter } from '../../../bench/loads/wake-up-filter.ts'

const ends: (() => void)[] = []
afterEach(() => {
  for (const end of ends.splice(0)) end()
})

/** A server that sends what it is told to, and a client of it by way of a filter. */
async function filtered(): Promise<{ filter: WakeUpFilter; server: Socket; client: Socket }> {
  const accepted = Promise.withResolvers<Socket>()
  const listener = createServer((socket) => accepted.resolve(socket)).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as AddressInfo
  const filter = await WakeUpFilter.before(
    `postgres://user@127.0.0.1:${port}/database`,
    isPostgresNotification,
  )
  const client = connect(Number(new URL(filter.url).port), '127.0.0.1')
  ends.push(
    () => filter.close(),
    () => listener.close(),
    () => client.destroy(),
  )
  return { filter, client, server: await accepted.promise }
}

async function received(client: Socket): Promise<string> {
  const [data] = (await once(client, 'data')) as [Buffer]
  return data.toString()
}

describe('a filter of wake-ups', () => {
  it('is reached by the URL of the server with another port', async () => {
    const { filter } = await filtered()
    expect(filter.url).toMatch(/^postgres:\/\/user@127\.0\.0\.1:\d+\/database$/)
  })

  it('passes on what either side sends', async () => {
    const { server, client } = await filtered()
    client.write('question')
    expect(await received(server)).toBe('question')
    server.write('answer')
    expect(await received(client)).toBe('answer')
  })

  it('passes wake-ups on, too, until they are to be lost, and counts those that are', async () => {
    const { filter, server, client } = await filtered()
    server.write('A wake-up')
    expect(await received(client)).toBe('A wake-up')
    filter.lose()
    server.write('A wake-up')
    await expect.poll(() => filter.lost).toBe(1)
    server.write('something else')
    expect(await received(client)).toBe('something else')
  })
})

describe('what is a wake-up', () => {
  it('is a message of a channel of Redis, in either version of its protocol', () => {
    const message = '3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nm\r\n'
    expect(isRedisMessage(Buffer.from(`*${message}`))).toBe(true)
    expect(isRedisMessage(Buffer.from(`>${message}`))).toBe(true)
    expect(isRedisMessage(Buffer.from('*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n'))).toBe(false)
    expect(isRedisMessage(Buffer.from('+PONG\r\n'))).toBe(false)
  })

  it('is a NotificationResponse of Postgres', () => {
    expect(isPostgresNotification(Buffer.from('A\0\0\0\x10'))).toBe(true)
    expect(isPostgresNotification(Buffer.from('Z\0\0\0\x05I'))).toBe(false)
  })
})

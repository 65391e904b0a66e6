import { describe, expect, test } from 'vitest'
import { backendUrl } from '../../../src/queue/backend-url.ts'
import { openBackend } from '../../../src/queue/open-backend.ts'

describe('the URL of a backend', () => {
  test('memory: is a store of its own each time', async () => {
    const [a, b] = [await openBackend('memory:'), await openBackend('memory:')]
    expect(a.name).toBe('memory')
    expect(a).not.toBe(b)
  })

  test.each([
    ['sqlite:jobs.db', 'sqlite:jobs.db', 'jobs.db'],
    ['SQLite:/var/jobs.db?durability=normal', 'sqlite:/var/jobs.db?durability=normal', '/var/jobs.db'],
    ['jobs.db', 'sqlite:jobs.db', 'jobs.db'],
    ['/var/lib/app/queue.SQLITE', 'sqlite:/var/lib/app/queue.SQLITE', '/var/lib/app/queue.SQLITE'],
    ['C:\\jobs.sqlite3', 'sqlite:C:\\jobs.sqlite3', 'C:\\jobs.sqlite3'],
    ['sqlite:///var/a%20b.db', 'sqlite:///var/a%20b.db', '/var/a b.db'],
    ['100% mine?.db', 'sqlite:100%25%20mine%3F.db', '100% mine?.db'],
    ['sqlite::memory:', 'sqlite::memory:', undefined],
  ])('%s is an SQLite store', (text, url, file) => {
    expect(backendUrl(text)).toEqual({ scheme: 'sqlite', url, file })
  })

  test('an unknown scheme is met with a guess and the list', async () => {
    await expect(openBackend('sqllite:jobs.db')).rejects.toThrow(
      /no backend for "sqllite:"; did you mean "sqlite:"\? Known are memory:, sqlite:, redis:, rediss:, postgres:, postgresql:/,
    )
    await expect(openBackend('mysql://localhost')).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  })

  test.each([
    ['redis://localhost:6379/0', 'redis'],
    ['REDISS://user:pw@cache.example.org', 'rediss'],
    ['postgres://localhost/app', 'postgres'],
    ['postgresql:///app?host=/run/postgresql', 'postgresql'],
  ])('%s is a store of its own kind, and no file', (text, scheme) => {
    const rest = text.slice(text.indexOf(':'))
    expect(backendUrl(text)).toEqual({ scheme, url: `${scheme}${rest}`, file: undefined })
  })

  test.each([
    'redis://:hunter2@localhost:6379/not-a-number',
    'postgres://ada:hunter2@[db/app?sslpassword=hunter2',
    'mongodb://ada:hunter2@db/app',
    '//ada:hunter2@host/jobs',
    'host/jobs?password=hunter2',
  ])('nothing of %s but its scheme is ever shown', async (url) => {
    const error = await openBackend(url).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(Error)
    expect((error as Error).stack).not.toContain('hunter2')
    expect(JSON.stringify(error)).not.toContain('hunter2')
  })

  test.each([undefined, '', 5, 'jobs', 'jobs.txt', 'sqlite:100%.db'])('%j is none', async (url) => {
    await expect(openBackend(url as string)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  })
})

import { expect, test } from 'vitest'
import { findMosquitto, findPostgres, findRedis } from '../../servers/binaries.ts'
import { machineWith } from './machine.ts'

test('Redis is preferred to Valkey, and either is found wherever PATH names it', () => {
  expect(findRedis(machineWith('/opt/a/valkey-server', '/opt/b/redis-server'))).toBe('/opt/b/redis-server')
  expect(findRedis(machineWith('/opt/a/valkey-server'))).toBe('/opt/a/valkey-server')
  expect(findRedis(machineWith('/elsewhere/redis-server'))).toBeUndefined()
})

test('the newest of several installed versions of Postgres is taken', () => {
  const folder = '/usr/lib/postgresql'
  const machine = machineWith(
    ...[9, 15, 13].flatMap((major) => [
      `${folder}/${major}/bin/initdb ${major}.4`,
      `${folder}/${major}/bin/postgres ${major}.4`,
    ]),
  )
  expect(findPostgres(machine)).toEqual({
    initdb: `${folder}/15/bin/initdb`,
    postgres: `${folder}/15/bin/postgres`,
    version: '15.4',
  })
})

test('programs of different versions are no installation, nor is a lone server or an old one', () => {
  expect(findPostgres(machineWith('/opt/a/postgres 16.1', '/opt/b/initdb 16.1'))).toBeUndefined()
  expect(findPostgres(machineWith('/opt/a/postgres 16.1', '/opt/a/initdb 15.1'))).toBeUndefined()
  expect(findPostgres(machineWith('/opt/a/postgres 12.9', '/opt/a/initdb 12.9'))).toBeUndefined()
})

test('where Debian has put none, PATH is looked at', () => {
  const machine = machineWith('/opt/a/postgres 16.1', '/opt/b/initdb 14.3', '/opt/b/postgres 14.3')
  expect(findPostgres(machine)).toMatchObject({ postgres: '/opt/b/postgres', version: '14.3' })
})

test('mosquitto is found with its clients or not at all, and in a folder that PATH need not name', () => {
  const programs = ['passwd', 'pub', 'sub'].map((name) => `/opt/a/mosquitto_${name}`)
  expect(findMosquitto(machineWith('/usr/sbin/mosquitto', ...programs))).toEqual({
    mosquitto: '/usr/sbin/mosquitto',
    passwd: '/opt/a/mosquitto_passwd',
    pub: '/opt/a/mosquitto_pub',
    sub: '/opt/a/mosquitto_sub',
  })
  expect(findMosquitto(machineWith('/usr/sbin/mosquitto', ...programs.slice(1)))).toBeUndefined()
})

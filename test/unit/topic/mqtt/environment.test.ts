import { describe, expect, test } from 'vitest'
import { connectionOptions } from '../../../../src/topic/mqtt/broker-options.ts'
import { mqttEnvironment } from '../../../../src/topic/mqtt/environment.ts'

describe('the environment', () => {
  test('has a default for everything but credentials', () => {
    expect(mqttEnvironment({})).toEqual({
      url: 'mqtt://localhost:1883',
      username: undefined,
      password: undefined,
      clientId: 'mqtt-worker',
      groupName: 'mqtt_framework_group',
    })
  })

  test.each([
    ['a host', { MQTT_BROKER: 'broker.example.org' }, 'mqtt://broker.example.org:1883'],
    ['a host and a port', { MQTT_BROKER: 'a', MQTT_PORT: '1884' }, 'mqtt://a:1884'],
    ['a host with its port', { MQTT_BROKER: 'a:1884' }, 'mqtt://a:1884'],
    ['the port of TLS', { MQTT_BROKER: 'a', MQTT_PORT: '8883' }, 'mqtts://a:8883'],
    ['a URL with TLS, whose port is another', { MQTT_BROKER: 'mqtts://a' }, 'mqtts://a:8883'],
    ['a URL that says so itself', { MQTT_BROKER: 'mqtt://a', MQTT_PORT: '8883' }, 'mqtt://a:8883'],
    ['the schemes of others', { MQTT_BROKER: 'ssl://a' }, 'mqtts://a:8883'],
    ['tcp', { MQTT_BROKER: 'tcp://a:99' }, 'mqtt://a:99'],
    ['a WebSocket with its path', { MQTT_BROKER: 'ws://a/mqtt' }, 'ws://a:80/mqtt'],
    ['port 80', { MQTT_BROKER: 'ws://a:80/mqtt' }, 'ws://a:80/mqtt'],
    ['an IPv6 address', { MQTT_BROKER: '::1' }, 'mqtt://[::1]:1883'],
    ['one with a port', { MQTT_BROKER: 'mqtt://[::1]:1884' }, 'mqtt://[::1]:1884'],
    ['nothing, when it is empty', { MQTT_BROKER: ' ', MQTT_PORT: '' }, 'mqtt://localhost:1883'],
  ])('knows %s', (_name, environment, url) => {
    expect(mqttEnvironment(environment).url).toBe(url)
  })

  test('keeps credentials out of the URL, and those of their own variables go first', () => {
    expect(mqttEnvironment({ MQTT_BROKER: 'mqtt://ada:p%40ss@a' })).toMatchObject({
      url: 'mqtt://a:1883',
      username: 'ada',
      password: 'p@ss',
    })
    const both = { MQTT_BROKER: 'mqtt://ada:old@a', MQTT_USERNAME: 'eve', MQTT_PASSWORD: ' new ' }
    expect(mqttEnvironment(both)).toMatchObject({ username: 'eve', password: ' new ' })
  })

  test.each([
    [{ MQTT_PORT: '0' }, 'MQTT_PORT to be a port'],
    [{ MQTT_PORT: '70000' }, 'MQTT_PORT to be a port'],
    [{ MQTT_PORT: 'x' }, 'MQTT_PORT to be a port'],
    [{ MQTT_BROKER: 'http://a' }, 'MQTT_BROKER to be a host'],
    [{ MQTT_BROKER: 'a b' }, 'MQTT_BROKER to be a host'],
  ])('refuses %j by the name of the variable', (environment, message) => {
    expect(() => mqttEnvironment(environment as Record<string, string>)).toThrow(message)
  })

  test('never shows a password', () => {
    for (const broker of ['http://ada:secret@a', 'ada:secret@a b']) {
      expect(() => mqttEnvironment({ MQTT_BROKER: broker })).toThrow(
        expect.not.objectContaining({ message: expect.stringContaining('secret') }),
      )
    }
  })
})

test('what is given goes before the environment, and credentials in a URL before its own', () => {
  const environment = mqttEnvironment({ MQTT_USERNAME: 'ada', MQTT_PASSWORD: 'pw' })
  expect(connectionOptions({ keepAlive: '5s' }, environment, 'c-0')).toEqual({
    ...{ url: 'mqtt://localhost:1883', username: 'ada', password: 'pw', clientId: 'c-0', keepAlive: '5s' },
  })
  expect(connectionOptions({ url: new URL('mqtt://eve:x@b') }, environment, 'c-0')).toEqual({
    ...{ url: 'mqtt://eve:x@b', clientId: 'c-0' },
  })
  expect(connectionOptions({ url: 'mqtt://b', username: 'eve' }, environment, 'c-0')).toMatchObject({
    username: 'eve',
  })
})

import { connect } from 'mqtt'
import { expect, test } from 'vitest'

/** What the connection uses of mqtt.js beside its documented interface, so that a new version of it is seen here first. */
test('mqtt.js has what is used of it', () => {
  const client = connect({
    protocol: 'mqtt',
    host: '127.0.0.1',
    port: 9,
    manualConnect: true,
    reconnectPeriod: 0,
  })
  const used = client as unknown as Record<string, unknown>
  for (const name of [
    '_writePacket',
    'onKeepaliveTimeout',
    'handleMessage',
    'end',
    'connect',
    'streamBuilder',
  ])
    expect([name, typeof used[name]]).toEqual([name, 'function'])
  expect(used['connected']).toBe(false)
})

import { expect, test } from 'vitest'
import { MqttError } from '../../../../src/topic/mqtt/mqtt-error.ts'
import { type BrokerLimits, Outbox } from '../../../../src/topic/mqtt/outbox.ts'
import { publishingOf } from '../../../../src/topic/mqtt/outgoing-message.ts'
import { PacketIds } from '../../../../src/topic/mqtt/packet-ids.ts'
import type { Outgoing } from '../../../../src/topic/mqtt/packets.ts'
import type { PublishOptions } from '../../../../src/topic/message.ts'

const LIMITS: BrokerLimits = {
  receiveMaximum: 100,
  maximumQos: 2,
  maximumPacketSize: 1e6,
  retainAvailable: true,
}

function scene(limits: Partial<BrokerLimits> = {}) {
  const outbox = new Outbox({ maxPublishes: 100, maxPublishBytes: 1e6, whenFull: 'wait' }, new PacketIds())
  const sent: { text: string; id: number }[] = []
  const results: string[] = []
  const outlet = {
    backlog: 0,
    send: (packet: Outgoing): void => {
      if (packet.cmd === 'publish') {
        const text = `${Buffer.from(packet.payload).toString()}${packet.dup ? ' again' : ''}`
        sent.push({ text, id: packet.messageId ?? 0 })
      } else if (packet.cmd === 'pubrel') sent.push({ text: 'pubrel', id: packet.messageId })
    },
  }
  const add = (text: string, options: PublishOptions = {}): void => {
    outbox.add(publishingOf('t', text, options, true)).then(
      () => results.push(`${text} done`),
      (error: MqttError) => results.push(`${text} ${error.code} ${error.reasonCode}`),
    )
  }
  const open = (sessionPresent = true): void =>
    outbox.opened(outlet, { ...LIMITS, ...limits }, sessionPresent)
  const texts = (): string[] => sent.splice(0).map(({ text }) => text)
  return { outbox, outlet, sent, results, add, open, texts }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('what was not answered is sent again on the next connection, first and in order', async () => {
  const { outbox, add, open, sent, texts, results } = scene()
  open()
  for (const text of ['a', 'b', 'c']) add(text)
  outbox.answered({ cmd: 'puback', messageId: sent[1]!.id })
  expect(texts()).toEqual(['a', 'b', 'c'])
  outbox.lost()
  add('d')
  expect(texts()).toEqual([])
  open()
  expect(texts()).toEqual(['a again', 'c again', 'd'])
  await settled()
  expect(results).toEqual(['b done'])
})

test('to a broker that has forgotten us it is sent as new', () => {
  const { outbox, add, open, texts, sent } = scene()
  open()
  add('a')
  add('b', { qos: 2 })
  outbox.answered({ cmd: 'pubrec', messageId: sent[1]!.id })
  expect(texts()).toEqual(['a', 'b', 'pubrel'])
  outbox.lost()
  open(false)
  expect(texts()).toEqual(['a', 'b'])
})

test('of QoS 2 only the release is sent again once the broker has the message', async () => {
  const { outbox, add, open, texts, sent, results } = scene()
  open()
  add('a', { qos: 2 })
  const { id } = sent[0]!
  outbox.answered({ cmd: 'pubrec', messageId: id })
  outbox.lost()
  texts()
  open()
  expect(texts()).toEqual(['pubrel'])
  outbox.answered({ cmd: 'pubcomp', messageId: id })
  await settled()
  expect(results).toEqual(['a done'])
})

test('a release that is sent again to a broker that is through with it is done', async () => {
  const { outbox, add, open, sent, results } = scene()
  open()
  add('a', { qos: 2 })
  const { id } = sent[0]!
  outbox.answered({ cmd: 'pubrec', messageId: id })
  outbox.lost()
  open()
  outbox.answered({ cmd: 'pubcomp', messageId: id, reasonCode: 0x92 })
  await settled()
  expect(results).toEqual(['a done'])
})

test('no more are under way than the broker takes, nor more in the socket than it drains', () => {
  const { outbox, outlet, add, open, texts, sent } = scene({ receiveMaximum: 2 })
  open()
  for (const text of ['a', 'b', 'c']) add(text)
  const { id } = sent[0]!
  expect(texts()).toEqual(['a', 'b'])
  outlet.backlog = 1e6
  outbox.answered({ cmd: 'puback', messageId: id })
  expect(texts()).toEqual([])
  outlet.backlog = 0
  outbox.pump()
  expect(texts()).toEqual(['c'])
})

test('what the broker refuses is an error with its reason, and what it would end the connection over is not sent', async () => {
  const { outbox, add, open, texts, sent, results } = scene({
    ...{ maximumQos: 1, retainAvailable: false, maximumPacketSize: 100 },
  })
  open()
  add('a')
  outbox.answered({ cmd: 'puback', messageId: sent[0]!.id, reasonCode: 0x97 })
  add('b', { qos: 2 })
  add('c', { retain: true })
  add('d'.repeat(100))
  add('e', { qos: 0 })
  expect(texts()).toEqual(['a', 'e'])
  await settled()
  expect(results).toEqual([
    'a BROKER_REFUSED 151',
    'b BROKER_REFUSED 155',
    'c BROKER_REFUSED 154',
    `${'d'.repeat(100)} BROKER_REFUSED 149`,
    'e done',
  ])
  expect(outbox.size).toBe(0)
})

test('packet ids are unique among those under way, and all 65,535 can be', () => {
  const ids = new PacketIds()
  const taken = new Set(Array.from({ length: 65_535 }, () => ids.take()))
  expect([taken.size, taken.has(0), taken.has(65_535), ids.take()]).toEqual([65_535, false, true, undefined])
  ids.free(77)
  expect(ids.take()).toBe(77)
})

test('when it is over whoever waits is told', async () => {
  const { outbox, add, open, results } = scene()
  open()
  add('a')
  outbox.lost()
  add('b')
  outbox.close(new MqttError('BROKER_UNAVAILABLE', 'over'))
  await outbox.whenEmpty()
  await settled()
  expect(results).toEqual(['a BROKER_UNAVAILABLE undefined', 'b BROKER_UNAVAILABLE undefined'])
})

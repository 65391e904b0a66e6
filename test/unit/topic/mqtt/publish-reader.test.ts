import fc from 'fast-check'
import { createRequire } from 'node:module'
import { expect, test } from 'vitest'
import type { PublishPacket } from '../../../../src/topic/mqtt/packets.ts'
import { PublishReader } from '../../../../src/topic/mqtt/publish-reader.ts'

interface Reference {
  on(event: 'packet', listener: (packet: PublishPacket) => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  parse(bytes: Buffer): unknown
}

/** What mqtt.js itself reads and writes packets with. */
const { generate, parser } = createRequire(import.meta.resolve('mqtt'))('mqtt-packet') as {
  readonly generate: (packet: object, options: object) => Buffer
  readonly parser: (options: object) => Reference
}

// Of a name that comes again mqtt-packet forgets a first value that is empty.
const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
const message = fc.record(
  {
    topic: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 200 }),
    payload: fc.uint8Array({ maxLength: 300 }),
    qos: fc.constantFrom(0, 1, 2),
    dup: fc.boolean(),
    retain: fc.boolean(),
    messageId: fc.integer({ min: 1, max: 65_535 }),
    properties: fc.record(
      {
        payloadFormatIndicator: fc.boolean(),
        messageExpiryInterval: fc.integer({ min: 0, max: 0xffffffff }),
        contentType: text,
        responseTopic: text,
        correlationData: fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
        subscriptionIdentifier: fc.oneof(
          fc.integer({ min: 1, max: 268_435_455 }),
          fc.array(fc.integer({ min: 1, max: 268_435_455 }), { minLength: 2, maxLength: 3 }),
        ),
        userProperties: fc.dictionary(
          fc.string({ minLength: 1 }),
          fc.oneof(text, fc.array(text, { minLength: 2, maxLength: 3 })),
          { minKeys: 1 },
        ),
      },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: ['topic', 'payload', 'qos', 'dup', 'retain', 'messageId'] },
)
const others = [
  { cmd: 'pingresp' },
  { cmd: 'puback', messageId: 7, reasonCode: 0 },
  { cmd: 'suback', messageId: 8, granted: [1, 2] },
] as const
const anyPacket = fc.oneof({ weight: 4, arbitrary: message }, fc.constantFrom(...others))

/** What the members say that messages have. */
function essence(packet: PublishPacket): unknown {
  const { topic, payload, qos, dup, retain, messageId, properties } = packet
  const { userProperties, correlationData, ...rest } = properties ?? {}
  return {
    ...{
      topic,
      qos,
      dup,
      retain,
      messageId: qos === 0 ? undefined : messageId,
      payload: [...payload],
    },
    ...rest,
    correlationData: correlationData === undefined ? undefined : [...correlationData],
    userProperties: userProperties === undefined ? undefined : { ...userProperties },
  }
}

test('messages are read as mqtt-packet reads them, wherever the bytes are cut, and the rest goes on in its order', () => {
  fc.assert(
    fc.property(
      fc.array(anyPacket, { minLength: 1, maxLength: 6 }),
      fc.constantFrom(4, 5),
      fc.array(fc.nat(), { maxLength: 8 }),
      (packets, protocolVersion, cuts) => {
        const bytes = Buffer.concat(
          packets.map((each) => {
            const packet =
              'cmd' in each ? each : { cmd: 'publish', ...each, payload: Buffer.from(each.payload) }
            return generate(packet, { protocolVersion })
          }),
        )
        const expected: unknown[] = []
        const reference = parser({ protocolVersion })
        reference.on('packet', (packet) => {
          expected.push((packet.cmd as string) === 'publish' ? essence(packet) : packet.cmd)
        })
        reference.on('error', (error) => {
          throw error
        })
        reference.parse(bytes)

        const found: unknown[] = []
        const onward = parser({ protocolVersion })
        onward.on('packet', ({ cmd }) => found.push(cmd))
        const reader = new PublishReader(protocolVersion === 5, {
          onPublish: (packet) => found.push(essence(packet)),
          onOther: (packet) => onward.parse(packet),
        })
        let from = 0
        for (const to of [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].toSorted(
          (a, b) => a - b,
        )) {
          reader.read(bytes.subarray(from, to))
          from = to
        }
        expect(found).toEqual(expected)
      },
    ),
  )
})

test('whatever the bytes are, they are read or refused with an error that says so', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.boolean(), (bytes, isV5) => {
      const reader = new PublishReader(isV5, { onPublish: () => {}, onOther: () => {} })
      bytes[0] = 0x30 | (bytes[0] ?? 0)
      try {
        reader.read(Buffer.from(bytes))
      } catch (error) {
        expect(error).toMatchObject({ code: 'PROTOCOL' })
      }
    }),
  )
})

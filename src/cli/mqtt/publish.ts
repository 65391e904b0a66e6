import { Buffer } from 'node:buffer'
import type { Readable } from 'node:stream'
import { InvalidArgumentError, type Command } from 'commander'
import { MillhandError } from '../../core/errors.ts'
import { randomText } from '../../core/id.ts'
import type { Qos } from '../../topic/message.ts'
import { connectionOptions } from '../../topic/mqtt/broker-options.ts'
import { MqttConnection } from '../../topic/mqtt/connection.ts'
import { mqttEnvironment } from '../../topic/mqtt/environment.ts'
import { checkTopic } from '../../topic/topic-filter.ts'
import { examples } from '../examples.ts'
import type { Session } from '../session.ts'
import { brokerOf, ENVIRONMENT, withBrokerOptions, type BrokerCall } from './broker.ts'

/** MQTT itself allows 256 MiB less a few bytes; it keeps a wrong pipe from filling the memory. */
const MAX_BYTES = 256 * 1024 * 1024 - 70_000

interface Options extends BrokerCall {
  readonly qos?: Qos
  readonly retain?: true
  readonly contentType?: string
}

/** `millhand mqtt publish <topic> [payload]` */
export function addPublish(parent: Command, session: Session): void {
  const command = parent
    .command('publish')
    .argument('<topic>', 'without wildcards')
    .argument('[payload]', 'sent as it is; - reads it from standard input (default: nothing)')
  withBrokerOptions(command)
    .description('publish one message; ends when the broker has it')
    .option('--qos <0|1|2>', 'what the broker is to promise (default: 1)', qosOf)
    .option('--retain', 'the broker keeps it for those who subscribe later')
    .option('--content-type <type>', 'what the payload is, such as application/json')
    .option('--json', 'answer with one line of JSON')
    .option('--debug', 'show the stack of an error')
    .addHelpText(
      'after',
      `${ENVIRONMENT}
${examples(
  `millhand mqtt publish sensors/7/temperature '{"celsius":21.5}' --content-type application/json`,
  'millhand mqtt publish firmware/blob - --qos 2 --retain < image.bin',
  'millhand mqtt publish sensors/7/ping --broker mqtts://broker.example.org',
)}`,
    )
    .action(async (topic: string, text: string | undefined, options: Options) => {
      checkTopic(topic)
      const payload = text === '-' ? await readAll(session.stdin) : Buffer.from(text ?? '')
      const environment = mqttEnvironment(session.env)
      const clientId = options.clientId ?? `millhand-publish-${randomText(8)}`
      const given = connectionOptions(brokerOf(options), environment, clientId)
      const connection = new MqttConnection({ ...given, sessionExpiry: 0, patience: 0 }, () => {})
      const { qos = 1, retain = false, contentType } = options
      try {
        await connection.connect()
        await connection.publish(topic, payload, {
          ...{ qos, retain },
          ...(contentType !== undefined && { contentType }),
        })
      } finally {
        await connection.disconnect()
      }
      const bytes = payload.byteLength
      await session.answer({ topic, bytes, qos, retain }, `published ${bytes} bytes to ${topic}`)
    })
}

function qosOf(text: string): Qos {
  if (text === '0' || text === '1' || text === '2') return Number(text) as Qos
  throw new InvalidArgumentError('Expected 0, 1 or 2.')
}

async function readAll(stdin: Readable): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of stdin) {
    const buffer = Buffer.from(chunk as Uint8Array | string)
    bytes += buffer.length
    if (bytes > MAX_BYTES) {
      throw new MillhandError(
        'PAYLOAD_TOO_LARGE',
        `expected standard input to hold at most ${MAX_BYTES} bytes`,
      )
    }
    chunks.push(buffer)
  }
  return Buffer.concat(chunks)
}

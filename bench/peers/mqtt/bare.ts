import { connect, type IClientOptions, type MqttClient } from 'mqtt'
import { FILTER, WINDOW, type OpenSubscriber, type SubscriberOptions } from '../../loads/mqtt/subscriber.ts'
import type { Payload } from '../../payload.ts'

/** mqtt.js alone, which acknowledges each message before anything is done with it. */
export const bare: OpenSubscriber = (options) =>
  subscriber(options, (client) => {
    client.on('message', (topic, payload) => void options.handle(...decoded(topic, payload)))
  })

/** mqtt.js as it is made for handlers that must be done before the acknowledgement: one message at a time. */
export const handleMessage: OpenSubscriber = (options) =>
  subscriber(options, (client) => {
    client.handleMessage = ({ topic, payload }, done) => {
      void Promise.resolve(options.handle(...decoded(topic, payload as Buffer))).then(() => done())
    }
  })

function subscriber(
  { url, clientId, qos }: SubscriberOptions,
  listen: (client: MqttClient) => void,
): ReturnType<OpenSubscriber> {
  let client: MqttClient | undefined
  return {
    start: async () => {
      client = connect(url, optionsOf(clientId))
      listen(client)
      await client.subscribeAsync(FILTER, { qos })
    },
    stop: () => client!.endAsync(),
  }
}

export function optionsOf(clientId: string): IClientOptions {
  return {
    ...{ clientId, clean: false, protocolVersion: 5 },
    properties: { sessionExpiryInterval: 3600, receiveMaximum: WINDOW },
  }
}

function decoded(topic: string, payload: Buffer): [string, Payload] {
  return [topic.split('/')[1]!, JSON.parse(payload.toString()) as Payload]
}

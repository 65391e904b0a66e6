import 'reflect-metadata'
import { once } from 'node:events'
import { Controller, Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import {
  Ctx,
  EventPattern,
  type MicroserviceOptions,
  type MqttContext,
  Payload as PayloadOf,
  Transport,
} from '@nestjs/microservices'
import type { MqttClient } from 'mqtt'
import { FILTER, type OpenSubscriber } from '../../loads/mqtt/subscriber.ts'
import type { Payload } from '../../payload.ts'
import { optionsOf } from './bare.ts'

/** Its MQTT transport, which acknowledges each message before its handler ends. Decorators without a build step. */
export const nestjs: OpenSubscriber = ({ url, clientId, qos, handle }) => {
  class States {
    handle(payload: Payload, context: MqttContext): void {
      const [, device = ''] = context.getTopic().split('/')
      void handle(device, payload)
    }
  }
  const method = Object.getOwnPropertyDescriptor(States.prototype, 'handle')!
  PayloadOf()(States.prototype, 'handle', 0)
  Ctx()(States.prototype, 'handle', 1)
  EventPattern(FILTER)(States.prototype, 'handle', method)
  Controller()(States)
  class Root {}
  Module({ controllers: [States] })(Root)

  let stop = async (): Promise<void> => {}
  return {
    start: async () => {
      const app = await NestFactory.createMicroservice<MicroserviceOptions>(Root, {
        transport: Transport.MQTT,
        options: { url, ...optionsOf(clientId), subscribeOptions: { qos } } as never,
        logger: ['error'],
      })
      await app.listen()
      stop = async () => {
        // It does not wait for its client, which has acknowledgements to write.
        const closed = once(app.unwrap<MqttClient>(), 'close')
        await app.close()
        await closed
      }
    },
    stop: () => stop(),
  }
}

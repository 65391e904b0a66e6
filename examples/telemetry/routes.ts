import { Router } from 'millhand/mqtt'
import { command, humidity, state, temperature, type Kind, type Reading } from './readings.ts'
import type { Store } from './store.ts'

/** What was done with messages since the start, beside what is stored. */
export interface Counts {
  duplicates: number
  commands: number
}

/** How many minutes an answer has at the most. */
const MINUTES = 10

/**
 * Each message is acknowledged when it is in the file. One that cannot be read or is not what its schema says goes to
 * the dead letters, `millhand/dead/telemetry`, with the reason.
 */
export function telemetry(store: Store, counts: Counts): Router<'fleet'> {
  const router = new Router({ prefix: 'fleet' })
  const keep = (
    device: string,
    kind: Kind,
    value: number,
    numbered: Omit<Reading, 'device' | 'kind' | 'value'>,
  ): void => {
    const { at, boot, seq } = numbered
    if (!store.add({ device, kind, value, at, boot, seq })) counts.duplicates++
  }

  router.on(
    '{device}/temperature',
    ({ params, payload }) => keep(params.device, 'temperature', payload.celsius, payload),
    { schema: temperature },
  )
  router.on(
    '{device}/humidity',
    ({ params, payload }) => keep(params.device, 'humidity', payload.percent, payload),
    {
      schema: humidity,
    },
  )
  router.on(
    '{device}/state',
    ({ params, payload }) => store.setState(params.device, payload.state, payload.at),
    {
      schema: state,
    },
  )

  // Asked by MQTT 5 the answer goes where the question wants it; by MQTT 3.1.1 it has a topic of its own.
  router.on(
    '{device}/commands',
    async ({ params: { device }, payload, message, reply, publish }) => {
      counts.commands++
      const answer =
        payload.command === 'latest'
          ? { device, ...store.latest(device) }
          : { device, minutes: store.minutes(device, MINUTES) }
      if (message.properties.responseTopic !== undefined) await reply(answer)
      else await publish(`fleet/${device}/answers`, { id: payload.id, ...answer })
    },
    { schema: command },
  )
  return router
}

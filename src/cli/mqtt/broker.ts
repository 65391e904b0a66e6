import type { Command } from 'commander'
import type { BrokerOptions } from '../../topic/mqtt/broker-options.ts'
import { wrongUsage } from '../failure.ts'

export interface BrokerCall {
  readonly broker?: string
  readonly clientId?: string
}

/** Adds `--broker` and `--client-id`. */
export function withBrokerOptions(command: Command): Command {
  return command
    .option(
      '--broker <url>',
      'mqtt://host:1883, mqtts://, ws:// or wss:// (default: MQTT_BROKER and MQTT_PORT, else mqtt://localhost:1883)',
      brokerUrl,
    )
    .option('--client-id <id>', 'who we are to the broker')
}

/** How to reach the broker that was named; the environment has the rest. */
export function brokerOf({ broker }: BrokerCall): BrokerOptions {
  return broker === undefined ? {} : { url: broker }
}

/** What is shown never has the password of the URL in it. */
function brokerUrl(text: string): string {
  const url = URL.parse(text)
  if (url !== null && url.hostname !== '') return text
  throw wrongUsage('--broker: expected the URL of a broker, such as mqtt://localhost:1883')
}

export const ENVIRONMENT = `
The environment says which broker: MQTT_BROKER (a host or URL), MQTT_PORT, MQTT_USERNAME, MQTT_PASSWORD,
MQTT_CLIENT_ID, MQTT_GROUP_NAME. A password is given there, or in the URL, and is never shown.`

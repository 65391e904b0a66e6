import type { MqttEnvironment } from './environment.ts'
import type { MqttConnectionOptions } from './mqtt-options.ts'

/** How a worker reaches its broker. What is left out comes from the environment: MQTT_BROKER and so on. */
export type BrokerOptions = Partial<Omit<MqttConnectionOptions, 'clientId' | 'logger'>>

/** Complete: what was given, before what the environment says. The URL as a text, which can go to another process. */
export function connectionOptions(
  given: BrokerOptions,
  environment: MqttEnvironment,
  clientId: string,
): MqttConnectionOptions {
  const url = String(given.url ?? environment.url)
  // Credentials in a URL belong to it, and go before those of the environment.
  const hasOwn = URL.parse(url)?.username !== ''
  const { username, password } = environment
  return {
    ...(!hasOwn && username !== undefined && { username }),
    ...(!hasOwn && password !== undefined && { password }),
    ...given,
    ...{ url, clientId },
  }
}

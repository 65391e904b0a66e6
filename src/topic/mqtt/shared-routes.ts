import type { Qos } from '../message.ts'
import type { Route } from '../route.ts'

/** A route whose messages the workers of a group share. */
export interface SharedRouteInfo {
  /** As it was written: `sensors/{sensorId}/temperature`. */
  readonly topic: string
  /** As the broker knows it: `sensors/+/temperature`. */
  readonly mqttTopic: string
  readonly qos: Qos
  /** How many workers it asks for; 1 when it does not say, although any number may then serve it. */
  readonly workerCount: number
}

/** The shared ones among these routes, in their order. */
export function sharedRoutesInfo(routes: readonly Route[]): SharedRouteInfo[] {
  return routes
    .filter(({ shared }) => shared)
    .map(({ filter, mqttFilter, qos, workerCount }) => ({
      topic: filter,
      mqttTopic: mqttFilter,
      qos,
      workerCount: workerCount ?? 1,
    }))
}

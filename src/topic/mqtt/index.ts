export { Router, type RouterOptions } from '../router.ts'
export type { Handler, Middleware, Next } from '../handler.ts'
export type { TopicContext } from '../topic-context.ts'
export type { MessageProperties, PublishOptions, Qos, TopicMessage } from '../message.ts'
export type { Route } from '../route.ts'
export type {
  AckMode,
  JobSink,
  JobTarget,
  RetainedPolicy,
  RouteDefaults,
  RouteOptions,
} from '../route-options.ts'
export type { Codec } from '../codec/codec.ts'
export { WorkerManager, type WorkerManagerEvents } from './worker-manager.ts'
export type { ManagerScaling, WorkerManagerOptions } from './manager-options.ts'
export { TopicWorker, type TopicWorkerOptions } from './topic-worker.ts'
export type { ConsumerOptions } from './consumer-options.ts'
export type { BrokerOptions } from './broker-options.ts'
export type { GroupHealth, TopicWorkerHealth } from './health.ts'
export type { ResourceWarning } from './resource-watch.ts'
export type { SharedRouteInfo } from './shared-routes.ts'
export { discoverRouters } from './discover-routers.ts'
export { mqttEnvironment, type MqttEnvironment } from './environment.ts'
export {
  checkScaling,
  wantedWorkers,
  type Load,
  type ScalingLimits,
  type ScalingOptions,
} from './scaling-rule.ts'
export type { DepthSource } from './load-meter.ts'
export {
  MqttConnection,
  type MqttConnectionEvents,
  type MqttConnectionState,
  type OnMessage,
  type Receipt,
  type Subscription,
} from './connection.ts'
export type { MqttConnectionOptions, MqttTlsOptions, StatusMessage, WillMessage } from './mqtt-options.ts'
export { MqttError, type MqttErrorCode } from './mqtt-error.ts'

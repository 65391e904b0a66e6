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
export { route, type ContextOf, type Controller, type PayloadOf, type RouteMark } from '../controller.ts'
export type { Dispatcher, Match } from '../dispatcher.ts'
export type { Delivery, Outcome } from '../delivery.ts'
export type { Endpoint } from '../endpoint.ts'
export type { ParamsOf } from '../topic-params.ts'
export type { ToQueue } from '../to-queue.ts'
export { type Codec } from '../codec/codec.ts'
export { json } from '../codec/json.ts'
export { text } from '../codec/text.ts'
export { bytes } from '../codec/bytes.ts'
export { cbor, msgpack, type BinaryLibrary } from '../codec/binary.ts'
export { type Counted } from '../middleware/counted.ts'
export {
  RateLimitedError,
  rateLimit,
  type RateLimitOptions,
  type RateLimitStats,
} from '../middleware/rate-limit.ts'
export { memoryRates, type MemoryRatesOptions, type RateStore } from '../middleware/rate-store.ts'
export { type RateRule } from '../middleware/rate-rule.ts'
export { redisRates, type RedisClient, type RedisRatesOptions } from '../middleware/redis-rates.ts'
export { sqliteRates, type SqliteClient } from '../middleware/sqlite-rates.ts'
export { dedupe, type DedupeOptions, type DedupeStats } from '../middleware/dedupe.ts'
export { conflate, type ConflateOptions, type ConflateStats } from '../middleware/conflate.ts'
export { validate } from '../middleware/validate.ts'
export { log, type LogOptions } from '../middleware/log.ts'
export { trace, type Span, type SpanStart } from '../middleware/trace.ts'
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
export { Requester, respond, type RequesterOptions, type RequestOptions } from './request.ts'
export type { MqttConnectionOptions, MqttTlsOptions, StatusMessage, WillMessage } from './mqtt-options.ts'
export { MqttError, type MqttErrorCode } from './mqtt-error.ts'

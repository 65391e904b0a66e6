import { Router, silentLogger, TopicWorker } from '../../millhand.ts'
import type { Payload } from '../../payload.ts'
import { WINDOW, type OpenSubscriber } from './subscriber.ts'

/** A route as users write it; what is not given is as it comes. */
export const millhand: OpenSubscriber = ({ url, clientId, qos, handle }) => {
  const router = new Router()
  router.on('bench/{device}/state', ({ params, payload }) => handle(params.device, payload as Payload), {
    qos,
    concurrency: WINDOW,
  })
  return new TopicWorker({ router, clientId, connection: { url, window: WINDOW }, logger: silentLogger })
}

import { Hono } from 'hono'
import type { HealthChecker } from 'millhand'
import type { Tally } from '../webhooks/tally.ts'

/** 200 when the workers are well and the store answers, else 503 and what is wrong. */
export function healthApi(health: HealthChecker, tally: Tally): Hono {
  const app = new Hono()
  app.get('/health', async (context) => {
    const { healthy, problems } = await health.check()
    return context.json({ healthy, problems, deliveries: tally.counts }, healthy ? 200 : 503)
  })
  return app
}

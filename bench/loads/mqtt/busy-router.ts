/** What the worker processes of the load in worker-processes.ts serve; each finds it here. */
import { Router } from '../../millhand.ts'
import type { Payload } from '../../payload.ts'

const WORK_MS = 5
export const HANDLED = 'bench-handled'

export const router = new Router()

router.on(
  'bench-busy/{device}/state',
  async ({ payload, publish }) => {
    const { n } = payload as Payload
    const before = process.cpuUsage()
    for (;;) {
      const { user, system } = process.cpuUsage(before)
      if (user + system >= WORK_MS * 1000) break
    }
    await publish(HANDLED, n, { qos: 0 })
  },
  { shared: true },
)

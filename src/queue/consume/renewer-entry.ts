/** The thread that renews the leases of one worker; started by renewer-thread.ts. */
import { parentPort, workerData } from 'node:worker_threads'
import { systemClock } from '../../core/clock.ts'
import { toError } from '../../core/errors.ts'
import { openBackend } from '../open-backend.ts'
import { RenewalTimes } from './renewal-times.ts'
import type { RenewerData, RenewerMessage } from './renewer-thread.ts'

const { url, owner, leaseMs, everyMs, times: memory } = workerData as RenewerData
const times = new RenewalTimes(leaseMs, memory)
const port = parentPort!
const say = (message: RenewerMessage): void => port.postMessage(message)

const backend = await openBackend(url)
let underWay: Promise<void> = Promise.resolve()

async function renew(): Promise<void> {
  const at = systemClock.monotonic()
  try {
    await backend.open()
    const held = await backend.renew(owner, leaseMs)
    times.renewed(at, systemClock.monotonic())
    say({ at, held })
  } catch (thrown) {
    const error = toError(thrown)
    say({ error: { message: error.message, code: (error as { code?: string }).code } })
  }
}

setInterval(() => {
  underWay = underWay.then(renew)
}, everyMs)

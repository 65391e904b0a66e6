/** What the worker processes serve; each finds it here. */
import { Router } from 'millhand/mqtt'
import { setTimeout as sleep } from 'node:timers/promises'
import { Ledger } from '../ledger.ts'
import { LEDGERS, type Numbered } from './settings.ts'

let ledger: Ledger | undefined
let runs = 0

export const router: Router<string> = new Router()

router.on(
  'chaos/{lane}',
  async ({ message, payload }) => {
    const { n, workMs } = payload as Numbered
    ledger ??= new Ledger(process.env[LEDGERS]!, process.pid)
    const token = `${message.dup ? 'again' : 'first'}-${++runs}`
    ledger.note('start', n, token)
    await sleep(workMs)
    ledger.note('end', n, token)
  },
  { shared: true, qos: 1 },
)

/** A fleet of devices measures, and what it says is kept. */
import { createLogger, Server } from 'millhand'
import { TopicWorker } from 'millhand/mqtt'
import { setTimeout as sleep } from 'node:timers/promises'
import { embeddedBroker } from './embedded-broker.ts'
import { EVERY_MS, Fleet } from './fleet.ts'
import { readOptions } from './options.ts'
import { telemetry, type Counts } from './routes.ts'
import { Store } from './store.ts'
import { summaryText, type Summary } from './summary.ts'

const options = readOptions(process.argv.slice(2))
// Each dead letter is logged with its reason; the summary counts them.
const level = options.once ? 'silent' : 'warn'
const logger = createLogger(process.env['LOG_LEVEL'] === undefined ? { level } : {})
const embedded = options.broker === undefined ? await embeddedBroker() : undefined
const url = options.broker ?? embedded!.url
const isV5 = embedded === undefined
const store = new Store(options.db)
const before = store.totals().readings
const counts: Counts = { duplicates: 0, commands: 0 }
const worker = new TopicWorker({
  ...{ name: 'telemetry', groupName: 'telemetry', clientId: 'telemetry', logger },
  router: telemetry(store, counts),
  connection: { url, protocol: isV5 ? '5' : '3.1.1' },
})
const server = new Server({ logger, onGiveUp: 'exit' }).add(worker)
const isReady = new Promise<boolean>((resolve) => server.events.on('ready', () => resolve(true)))
const running = server.runForever()
let fleet: Fleet | undefined
// A broker that is not there ends it before it is ready, with an error that says so.
if (await Promise.race([isReady, running.then(() => false)])) {
  if (options.devices > 0) fleet = await Fleet.connect({ ...options, url, isV5 })
  if (fleet !== undefined && options.once) await sendOnce(fleet)
  else {
    console.log(`listening to ${url}; Ctrl-C ends`)
    if (fleet !== undefined) await sendOn(fleet)
  }
}
await running
if (options.once && worker.error !== undefined) console.error(`error: ${worker.error.message}`)
await fleet?.close()
store.close()
await embedded?.close()

/** All at once, then what became of it. */
async function sendOnce(devices: Fleet): Promise<void> {
  const { minutes, json } = options
  await devices.sendAll(Date.now() - minutes * 60_000)
  const { sent } = devices
  while (worker.isRunning && worker.processedCount + worker.errorCount < sent.messages) await sleep(10)
  let answered = 0
  for (let number = 0; number < Math.min(5, options.devices); number++) {
    await devices.ask(number, number % 2 === 0 ? 'latest' : 'minutes')
    answered++
  }
  const totals = store.totals()
  const missing = sent.readings - (totals.readings - before)
  const summary: Summary = { ...totals, ...counts, broken: worker.errorCount, answered, missing }
  console.log(json ? JSON.stringify(summary) : summaryText(summary, sent))
  if (missing !== 0) process.exitCode = 1
  void server.stop()
}

/** As time goes by. */
async function sendOn(devices: Fleet): Promise<void> {
  while (worker.isRunning) {
    await devices.sendStep(Date.now())
    for (let waited = 0; waited < EVERY_MS && worker.isRunning; waited += 100) await sleep(100)
  }
}

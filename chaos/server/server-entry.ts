/** The server process of a run, started by target.ts: it works until it is told to stop, or hit. */
import { Server, WorkerGroup, type SupervisionOptions } from 'millhand'
import { ProcessConsumer, ThreadConsumer } from './consumers.ts'
import { STALL_MS, type Line, type ServerSettings } from './settings.ts'

const settings = JSON.parse(process.argv[2]!) as ServerSettings
const { url, ledgers, threads, processes, grouped, culprit, shutdownMs, exitOnGiveUp } = settings
const options = { url, ledgers }

const server = new Server({
  shutdownTimeout: `${shutdownMs}ms`,
  backoff: '20ms',
  intensity: 3,
  onGiveUp: exitOnGiveUp ? 'exit' : 'unhealthy',
})
server.events.on('ready', () => say('ready'))
server.events.on('unhealthy', () => say('given-up'))

if (grouped) {
  server.add(new WorkerGroup(ThreadConsumer, { name: 'thread', replicas: threads, options }))
  server.add(new WorkerGroup(ProcessConsumer, { name: 'process', replicas: processes, options }))
} else {
  for (let n = 1; n <= threads; n++) server.add(ThreadConsumer, { name: `thread-${n}`, ...options })
  for (let n = 1; n <= processes; n++) server.add(ProcessConsumer, { name: `process-${n}`, ...options })
}
if (culprit !== undefined) {
  const { how, afterMs, placement, isKilledOnStall } = culprit
  const supervision: SupervisionOptions = {
    stallThreshold: `${STALL_MS}ms`,
    onStall: isKilledOnStall ? 'kill' : 'log',
  }
  const misbehaving = { name: 'culprit', ...options, misbehaves: { how, afterMs } }
  if (placement === 'thread') server.add(ThreadConsumer, misbehaving, supervision)
  else server.add(ProcessConsumer, misbehaving, supervision)
  let lives = 0
  server.get('culprit').events.on('startup', () => {
    if (++lives === 2) say('replaced')
  })
}

const end = server.runForever()
say('begins')
await end

function say(line: Line): void {
  process.stdout.write(`${line}\n`)
}

import type { Case, Contender } from '../case.ts'
import { drained, type DrainOptions } from '../loads/mqtt/drain.ts'
import { tenMs, withoutBroker } from '../loads/mqtt/ideal.ts'
import { millhand } from '../loads/mqtt/millhand.ts'
import type { OpenSubscriber } from '../loads/mqtt/subscriber.ts'
import { inWorkers } from '../loads/mqtt/worker-processes.ts'

const instant = (qos: 0 | 1): DrainOptions => ({ qos, figure: 'messages/CPU-s' })
const slow: DrainOptions = { qos: 1, work: tenMs, figure: 'messages/s' }

/** Messages of a real mosquitto at the loopback interface; MQTT 5, JSON of 100 bytes. */
export const messageCases: readonly Case[] = [
  {
    name: 'qos0',
    about:
      'Messages of QoS 0 that wait for a subscriber: how many it receives, decodes and hands to an instant handler in a second of its own CPU. Higher is better; the limit is bare mqtt.js doing the same.',
    unit: 'messages/CPU-s',
    better: 'higher',
    jobs: { full: 200_000, quick: 30_000, 'warm-up': 30_000 },
    millhand: drained(millhand, instant(0)),
    peers: { 'mqtt.js': peer('mqtt.js', instant(0)), NestJS: peer('NestJS', instant(0)) },
  },
  {
    name: 'qos1',
    about:
      'The same at QoS 1, each acknowledged: by Millhand after its handler, by mqtt.js and NestJS before. A window of 100 on all sides.',
    unit: 'messages/CPU-s',
    better: 'higher',
    jobs: { full: 100_000, quick: 15_000, 'warm-up': 15_000 },
    millhand: drained(millhand, instant(1)),
    peers: { 'mqtt.js': peer('mqtt.js', instant(1)), NestJS: peer('NestJS', instant(1)) },
  },
  {
    name: 'qos1-10ms',
    about:
      'Messages of QoS 1 whose handlers take 10 ms and are acknowledged afterwards, window 100, against handleMessage of mqtt.js, its own way to do that.',
    unit: 'messages/s',
    better: 'higher',
    jobs: { full: 30_000, quick: 5_000, 'warm-up': 1_000 },
    millhand: drained(millhand, slow),
    peers: { 'handleMessage of mqtt.js': fewer(peer('handleMessage', slow), 60) },
  },
  {
    name: 'qos1-10ms-ideal',
    about: 'The messages of qos1-10ms, against their handler called 100 at once without any broker.',
    unit: 'messages/s',
    better: 'higher',
    jobs: { full: 30_000, quick: 5_000, 'warm-up': 1_000 },
    millhand: drained(millhand, slow),
    peers: { 'no broker': withoutBroker },
  },
  {
    name: 'scale-2',
    about:
      'Messages of a shared route whose handlers take 5 ms of CPU: two worker processes of a WorkerManager against one, on two cores.',
    unit: 'messages/s',
    better: 'higher',
    jobs: { full: 1_000, quick: 300, 'warm-up': 0 },
    label: 'two processes',
    millhand: inWorkers(2),
    peers: { 'one process': inWorkers(1) },
  },
]

const PEERS: Readonly<Record<string, () => Promise<OpenSubscriber>>> = {
  'mqtt.js': async () => (await import('../peers/mqtt/bare.ts')).bare,
  handleMessage: async () => (await import('../peers/mqtt/bare.ts')).handleMessage,
  NestJS: async () => (await import('../peers/mqtt/nestjs.ts')).nestjs,
}

/** Loads it when it is measured. */
function peer(name: string, options: DrainOptions): Contender {
  return async (run) => drained(await PEERS[name]!(), options)(run)
}

/** One that is so much slower gets fewer messages; its figure is a rate anyway. */
function fewer(contender: Contender, oneIn: number): Contender {
  return (run) => contender({ ...run, jobs: Math.ceil(run.jobs / oneIn) })
}

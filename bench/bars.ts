import type { Result } from './result.ts'

/** What a figure of a case must reach; judged on full runs. */
export interface Bar {
  readonly figure: 'ratio' | 'millhand'
  readonly at: 'least' | 'most'
  readonly value: number
}

const BARS: Readonly<Record<string, Readonly<Record<string, Bar | readonly Bar[]>>>> = {
  memory: {
    process: { figure: 'ratio', at: 'least', value: 0.15 },
    'heap-growth': { figure: 'millhand', at: 'most', value: 16 },
  },
  sqlite: {
    process: { figure: 'ratio', at: 'least', value: 10 },
    'enqueue-bulk': { figure: 'ratio', at: 'least', value: 0.8 },
    'backlog-growth': { figure: 'ratio', at: 'least', value: 0.8 },
    'latency-p99': { figure: 'millhand', at: 'most', value: 5 },
    'latency-p99-full': { figure: 'millhand', at: 'most', value: 5 },
    'heap-growth': { figure: 'millhand', at: 'most', value: 16 },
  },
  redis: {
    'process-100': { figure: 'ratio', at: 'least', value: 6 },
    'process-1': { figure: 'ratio', at: 'least', value: 6 },
    'process-1-unbuffered': { figure: 'ratio', at: 'least', value: 1 },
    'enqueue-bulk': { figure: 'ratio', at: 'least', value: 4 },
    'enqueue-single': { figure: 'ratio', at: 'least', value: 2 },
    'latency-p99': [
      { figure: 'ratio', at: 'most', value: 0.7 },
      { figure: 'millhand', at: 'most', value: 5 },
    ],
    'process-5ms': { figure: 'ratio', at: 'least', value: 0.98 },
    'process-5ms-ideal': { figure: 'ratio', at: 'least', value: 0.9 },
    'idle-cost': { figure: 'ratio', at: 'most', value: 0.5 },
    'lost-wake-up': { figure: 'ratio', at: 'most', value: 1 },
    'backlog-growth': { figure: 'ratio', at: 'least', value: 0.9 },
    'job-bytes': { figure: 'ratio', at: 'most', value: 0.6 },
  },
  postgres: {
    'process-100': { figure: 'ratio', at: 'least', value: 3 },
    'process-1': { figure: 'ratio', at: 'least', value: 3 },
    'process-1-unbuffered': { figure: 'ratio', at: 'least', value: 1 },
    'enqueue-bulk': { figure: 'ratio', at: 'least', value: 2 },
    'enqueue-single': { figure: 'ratio', at: 'least', value: 2 },
    'latency-p99': [
      { figure: 'ratio', at: 'most', value: 0.7 },
      { figure: 'millhand', at: 'most', value: 10 },
    ],
    'process-5ms': { figure: 'ratio', at: 'least', value: 0.98 },
    'process-5ms-ideal': { figure: 'ratio', at: 'least', value: 0.9 },
    'idle-cost': { figure: 'ratio', at: 'most', value: 0.2 },
    'lost-wake-up': { figure: 'ratio', at: 'most', value: 1 },
    'backlog-growth': { figure: 'ratio', at: 'least', value: 0.8 },
    'job-bytes': { figure: 'ratio', at: 'most', value: 0.8 },
    'held-snapshot': { figure: 'ratio', at: 'least', value: 0.5 },
  },
  server: {
    'start-threads-js': { figure: 'ratio', at: 'most', value: 1.5 },
    'start-threads-ts': { figure: 'ratio', at: 'most', value: 1.5 },
    'stop-thread': { figure: 'millhand', at: 'most', value: 200 },
    'stop-process': { figure: 'millhand', at: 'most', value: 200 },
    'replace-thread': { figure: 'millhand', at: 'most', value: 100 },
    'replace-process': { figure: 'millhand', at: 'most', value: 300 },
    'restart-cycles': { figure: 'millhand', at: 'most', value: 2 },
    'stall-thread': { figure: 'millhand', at: 'most', value: 2000 },
    'stall-process': { figure: 'millhand', at: 'most', value: 2000 },
    'stall-server': { figure: 'millhand', at: 'most', value: 2000 },
  },
  pool: {
    noop: { figure: 'ratio', at: 'least', value: 5 },
    roundtrip: { figure: 'ratio', at: 'least', value: 1 },
    'cpu-100us': { figure: 'ratio', at: 'least', value: 1.1 },
    'cpu-10ms': { figure: 'ratio', at: 'least', value: 0.98 },
    'cpu-10ms-ideal': { figure: 'ratio', at: 'least', value: 0.97 },
    mixed: { figure: 'ratio', at: 'least', value: 1.1 },
    'mixed-p99': { figure: 'ratio', at: 'most', value: 1 },
    transfer: { figure: 'ratio', at: 'least', value: 1 },
    'process-noop': { figure: 'ratio', at: 'least', value: 3 },
    'queue-thread': { figure: 'ratio', at: 'least', value: 0.4 },
    crashes: { figure: 'millhand', at: 'most', value: 2 },
  },
  mqtt: {
    match: { figure: 'ratio', at: 'least', value: 50 },
    'match-growth': { figure: 'ratio', at: 'least', value: 0.5 },
    qos0: { figure: 'ratio', at: 'least', value: 0.85 },
    qos1: { figure: 'ratio', at: 'least', value: 0.85 },
    'qos1-10ms': { figure: 'ratio', at: 'least', value: 20 },
    'qos1-10ms-ideal': { figure: 'ratio', at: 'least', value: 0.9 },
    'scale-2': { figure: 'ratio', at: 'least', value: 1.6 },
  },
  stream: {
    'order-book': { figure: 'ratio', at: 'least', value: 1.5 },
    'order-book-vs-loop': { figure: 'ratio', at: 'least', value: 0.85 },
    'order-book-vs-python': { figure: 'ratio', at: 'least', value: 5 },
    transport: { figure: 'ratio', at: 'least', value: 5 },
    'process-placement': { figure: 'ratio', at: 'least', value: 1.2 },
    'latency-p50': { figure: 'millhand', at: 'most', value: 1 },
    'latency-p99': { figure: 'millhand', at: 'most', value: 5 },
    'handover-pause-p99': { figure: 'millhand', at: 'most', value: 20 },
    'routing-growth': { figure: 'ratio', at: 'most', value: 1.5 },
    'book-bytes': { figure: 'millhand', at: 'most', value: 20_480 },
  },
}

/** All of them must be met. */
export function barsOf({ suite, case: name }: Pick<Result, 'suite' | 'case'>): readonly Bar[] {
  return [BARS[suite]?.[name] ?? []].flat()
}

export function isMet({ figure, at, value }: Bar, { ratio, millhand }: Result): boolean {
  const reached = figure === 'ratio' ? ratio : millhand.median
  return at === 'least' ? reached >= value : reached <= value
}

/** `>= 10 times`, `<= 5 ms` */
export function barText({ figure, at, value }: Bar, { unit }: Pick<Result, 'unit'>): string {
  return `${at === 'least' ? '>=' : '<='} ${value} ${figure === 'ratio' ? 'times' : unit}`
}

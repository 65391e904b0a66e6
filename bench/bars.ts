import type { Result } from './result.ts'

/** What a case must reach; judged on full runs. */
export interface Bar {
  readonly figure: 'ratio' | 'millhand'
  readonly at: 'least' | 'most'
  readonly value: number
}

const BARS: Readonly<Record<string, Readonly<Record<string, Bar>>>> = {
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
}

export function barOf({ suite, case: name }: Pick<Result, 'suite' | 'case'>): Bar | undefined {
  return BARS[suite]?.[name]
}

export function isMet({ figure, at, value }: Bar, { ratio, millhand }: Result): boolean {
  const reached = figure === 'ratio' ? ratio : millhand.median
  return at === 'least' ? reached >= value : reached <= value
}

/** `>= 10 times`, `<= 5 ms` */
export function barText({ figure, at, value }: Bar, { unit }: Pick<Result, 'unit'>): string {
  return `${at === 'least' ? '>=' : '<='} ${value} ${figure === 'ratio' ? 'times' : unit}`
}

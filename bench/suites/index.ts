import type { Suite } from '../case.ts'

const SUITES: Readonly<Record<string, () => Promise<{ readonly suite: Suite }>>> = {
  memory: () => import('./memory.ts'),
  sqlite: () => import('./sqlite.ts'),
  redis: () => import('./redis.ts'),
  postgres: () => import('./postgres.ts'),
  features: () => import('./features.ts'),
  growth: () => import('./growth.ts'),
  server: () => import('./server.ts'),
  pool: () => import('./pool.ts'),
  mqtt: () => import('./mqtt.ts'),
  stream: () => import('./stream.ts'),
  'pool-settings': () => import('./pool-settings.ts'),
}

export const SUITE_NAMES: readonly string[] = Object.keys(SUITES)

/** Loads the peers of this suite and of no other. */
export async function loadSuite(name: string): Promise<Suite> {
  const load = SUITES[name]
  if (load === undefined) throw new Error(`expected a suite out of ${SUITE_NAMES.join(', ')}, got: ${name}`)
  return (await load()).suite
}

import type { Scale } from '../case.ts'

/** The servers that stores of jobs, and topics, need. They are started in start.ts, by the process that starts all others. */
const SERVERS = {
  redis: () => import('./redis.ts'),
  postgres: () => import('./postgres.ts'),
  mosquitto: () => import('./mosquitto.ts'),
}

export type ServerName = keyof typeof SERVERS

/** Removes what earlier runs have left. @returns the URL for the next. */
export async function emptied(name: ServerName, url: string, scale: Scale): Promise<string> {
  const { empty } = await SERVERS[name]()
  return empty(url, scale)
}

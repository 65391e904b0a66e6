import type { Probed } from '../http/probe-answer.ts'

/** Several servers of one process as one: it has started, is ready and is live when each of them is. */
export function allOf(servers: readonly Probed[]): Probed {
  return {
    get isStarted(): boolean {
      return servers.every(({ isStarted }) => isStarted)
    },
    get isReady(): boolean {
      return servers.every(({ isReady }) => isReady)
    },
    get isLive(): boolean {
      return servers.every(({ isLive }) => isLive)
    },
    status: () => ({ workers: servers.flatMap((server) => server.status().workers) }),
  }
}

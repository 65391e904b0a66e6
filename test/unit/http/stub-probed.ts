import type { Probed } from '../../../src/http/probe-answer.ts'
import type { WorkerState } from '../../../src/worker/lifecycle.ts'
import type { WorkerStatus } from '../../../src/worker/status.ts'

/** A server that says of itself what the test wants. */
export interface StubProbed extends Probed {
  isStarted: boolean
  isReady: boolean
  isLive: boolean
  workers: readonly WorkerStatus[]
}

export function stubProbed(
  states: Readonly<Record<string, WorkerState>> = { mailer: 'running' },
): StubProbed {
  return {
    isStarted: true,
    isReady: true,
    isLive: true,
    workers: workersIn(states),
    status() {
      return { workers: this.workers }
    },
  }
}

export function workersIn(states: Readonly<Record<string, WorkerState>>): readonly WorkerStatus[] {
  return Object.entries(states).map(([name, state]) => ({
    ...{ name, id: name, state, isRunning: state === 'running', placement: 'inline' },
    ...{ queueSize: 0, processedCount: 0, errorCount: 0, startedAt: undefined, restarts: 2 },
    ...{ pid: undefined, threadId: undefined, usage: undefined },
    lastCause: new Error('password: hunter2'),
  }))
}

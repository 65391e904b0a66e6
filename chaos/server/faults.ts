import { setTimeout as sleep } from 'node:timers/promises'
import { until } from 'millhand/testing'
import { now } from '../clock.ts'
import type { Plan } from './plan.ts'
import type { ServerSettings } from './settings.ts'
import { sendTo, type Target } from './target.ts'

/** An exit code, or the signal that a process died of. */
export type Exit = number | NodeJS.Signals

/** Since `at`, on the clock of `now()`, the server has to end. */
export interface Strike {
  readonly at: number
  /** How it may end, where that depends on what was hit when. */
  readonly exits?: readonly Exit[]
}

/** Something that happens to a server, and how it must end. */
export interface Fault {
  readonly title: string
  /** What the server and its workers are like, where that is not the ordinary. */
  settings?(plan: Plan): Partial<ServerSettings>
  readonly exits: readonly Exit[]
  /** From the strike to the end of the server. Default: its `shutdownMs`. */
  readonly withinMs?: number
  /** From the end of the server to that of its last child. Default: LAST_CHILD_MS. */
  readonly orphansWithinMs?: number
  strike(target: Target, plan: Plan): Promise<Strike>
}

/** For a stop that is to be graceful: more than the work at hand and a busy machine need. */
export const SHUTDOWN_MS = 8000
/** For a stop that is to miss its deadline. */
const SHORT_MS = 1000
/** What killing takes at the most: workers may save what they can for 1.5 s. */
const KILL_MS = 1500
/** A child whose parent is gone takes 3 s at most, one that is blocked 3.5 s; the rest is for an overloaded machine. */
const ORPHAN_MS = 6000
/** The server waits for its children: none is left when it ends, but those that die at this moment. */
export const LAST_CHILD_MS = 300
/** The same signal again within 200 ms is an echo of the first. */
const ECHO_MS = 250

export type FaultName =
  | 'terminate'
  | 'group'
  | 'twice'
  | 'reload'
  | 'start'
  | 'kill-child'
  | 'kill-server'
  | 'kill-blocked'
  | 'freeze'
  | 'frozen'
  | 'block'
  | 'stall'
  | 'ignore-stop'
  | 'give-up'

const FAULTS: Record<FaultName, Fault> = {
  terminate: {
    title: 'SIGTERM or SIGINT to the server',
    exits: [0],
    strike: async (target, { afterMs, signal }) => {
      await target.said('ready')
      await sleep(afterMs)
      return send(target, signal)
    },
  },
  group: {
    title: 'SIGTERM or SIGINT to the server and all its processes at once',
    exits: [0],
    strike: async (target, { afterMs, signal }) => {
      await target.said('ready')
      await sleep(afterMs)
      target.sendToGroup(signal)
      return { at: now() }
    },
  },
  twice: {
    title: 'a second signal while a worker does not stop',
    settings: ({ culprit }) => ({ culprit: misbehaving(culprit, 'ignore-stop') }),
    exits: [1],
    withinMs: KILL_MS,
    strike: async (target, { afterMs, gapMs, signal, other }) => {
      await target.said('ready')
      await sleep(afterMs)
      target.send(signal)
      await sleep(other ? gapMs : ECHO_MS + gapMs)
      return send(target, other ? otherThan(signal) : signal)
    },
  },
  reload: {
    title: 'SIGHUP, and a signal to end while workers are replaced',
    exits: [0],
    strike: async (target, { afterMs, gapMs, signal }) => {
      await target.said('ready')
      await sleep(afterMs)
      target.send('SIGHUP')
      await sleep(gapMs)
      return send(target, signal)
    },
  },
  start: {
    title: 'a signal while the server starts',
    exits: [0],
    strike: async (target, { afterMs, signal, other }) => {
      if (!other) await target.said('begins')
      await sleep(afterMs / 2)
      // Until it listens, a signal has its ordinary effect.
      const exits: Exit[] = target.hasSaid('begins') ? [0] : [0, signal]
      return { ...send(target, signal), exits }
    },
  },
  'kill-child': {
    title: 'SIGKILL to a process of a worker, then a signal to end',
    exits: [0],
    strike: async (target, { afterMs, gapMs, signal, aim }) => {
      await target.said('ready')
      await sleep(afterMs)
      const child = target.child(aim)
      sendTo(child, 'SIGKILL')
      await until(() => !isThere(child), { what: 'the server to notice' })
      await sleep(gapMs)
      return send(target, signal)
    },
  },
  'kill-server': {
    title: 'SIGKILL to the server',
    settings: ({ other }) => (other ? { culprit: misbehaving('process', 'ignore-stop') } : {}),
    exits: ['SIGKILL'],
    withinMs: 0,
    orphansWithinMs: ORPHAN_MS,
    strike: async (target, { afterMs }) => {
      await target.said('ready')
      await sleep(afterMs)
      return send(target, 'SIGKILL')
    },
  },
  'kill-blocked': {
    title: 'SIGKILL to the server while a process of a worker blocks its event loop',
    settings: ({ gapMs }) => ({ culprit: misbehaving('process', 'block', gapMs / 4) }),
    exits: ['SIGKILL'],
    withinMs: 0,
    orphansWithinMs: ORPHAN_MS,
    strike: async (target, { afterMs, gapMs }) => {
      await target.said('ready')
      await sleep(gapMs / 2 + afterMs)
      return send(target, 'SIGKILL')
    },
  },
  freeze: {
    title: 'a process of a worker is stopped, and continued before or after the signal to end',
    exits: [0],
    strike: async (target, { afterMs, gapMs, signal, aim, other }) => {
      await target.said('ready')
      await sleep(afterMs)
      const child = target.child(aim)
      sendTo(child, 'SIGSTOP')
      const asked = other ? send(target, signal) : undefined
      await sleep(gapMs)
      sendTo(child, 'SIGCONT')
      if (asked !== undefined) return asked
      await sleep(gapMs / 4)
      return send(target, signal)
    },
  },
  frozen: {
    title: 'a process of a worker is stopped for good, then a signal to end',
    settings: () => ({ shutdownMs: SHORT_MS }),
    exits: [1],
    withinMs: SHORT_MS + KILL_MS,
    strike: async (target, { afterMs, gapMs, signal, aim }) => {
      await target.said('ready')
      await sleep(afterMs)
      sendTo(target.child(aim), 'SIGSTOP')
      await sleep(gapMs)
      return send(target, signal)
    },
  },
  block: {
    title: 'a signal to end while a worker blocks its event loop',
    settings: ({ culprit, gapMs }) => ({
      shutdownMs: SHORT_MS,
      culprit: misbehaving(culprit, 'block', gapMs / 4),
    }),
    exits: [1],
    withinMs: SHORT_MS + KILL_MS,
    strike: async (target, { afterMs, gapMs, signal }) => {
      await target.said('ready')
      await sleep(gapMs / 2 + afterMs)
      return send(target, signal)
    },
  },
  stall: {
    title: 'a worker that blocks its event loop is killed and replaced, then a signal to end',
    settings: ({ culprit, gapMs }) => ({
      culprit: { ...misbehaving(culprit, 'block', gapMs / 4), isKilledOnStall: true },
    }),
    exits: [0],
    strike: async (target, { afterMs, signal }) => {
      await target.said('replaced')
      await sleep(afterMs)
      return send(target, signal)
    },
  },
  'ignore-stop': {
    title: 'a signal to end, and a worker that ignores it',
    settings: ({ culprit }) => ({ shutdownMs: SHORT_MS, culprit: misbehaving(culprit, 'ignore-stop') }),
    exits: [1],
    withinMs: SHORT_MS + KILL_MS,
    strike: async (target, { afterMs, signal }) => {
      await target.said('ready')
      await sleep(afterMs)
      return send(target, signal)
    },
  },
  'give-up': {
    title: 'a worker fails again and again; the server ends by itself, or by a signal later',
    settings: ({ culprit, gapMs, other }) => ({
      exitOnGiveUp: other,
      culprit: misbehaving(culprit, 'throw', gapMs / 4),
    }),
    exits: [1],
    strike: async (target, { gapMs, signal, other }) => {
      await target.said('given-up')
      if (other) return { at: now() }
      await sleep(gapMs)
      return send(target, signal)
    },
  },
}

export const FAULT_NAMES = Object.keys(FAULTS) as readonly FaultName[]

export function faultOf(name: FaultName): Fault {
  return FAULTS[name]
}

function send(target: Target, signal: NodeJS.Signals): Strike {
  const at = now()
  target.send(signal)
  return { at }
}

function misbehaving(
  placement: 'thread' | 'process',
  how: NonNullable<ServerSettings['culprit']>['how'],
  afterMs: number = 0,
): NonNullable<ServerSettings['culprit']> {
  return { placement, how, afterMs, isKilledOnStall: false }
}

function otherThan(signal: Plan['signal']): Plan['signal'] {
  return signal === 'SIGTERM' ? 'SIGINT' : 'SIGTERM'
}

/** False when it has ended, and its parent knows. */
function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

import { fork } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Measurement, Scale } from './case.ts'
import { CACHE, DATA, pathOf } from './places.ts'

/** Which run of which contender. */
export interface Order {
  readonly suite: string
  readonly case: string
  readonly contender: string
  readonly scale: Exclude<Scale, 'warm-up'>
  /** Also take a CPU profile of what is timed. */
  readonly profile?: boolean
}

/** What the child is given, and what it answers. */
export interface Assignment extends Order {
  readonly folder: string
  readonly server: string
}
export type Answer = { readonly measurement: Measurement } | { readonly error: string }

const DEADLINE_MS = 300_000
const COMPILED = pathOf(CACHE)

/**
 * Runs a contender once in a fresh process, so that none inherits another's heap, compiled code or open files.
 * @param server the URL of the suite's server; an empty text when it has none.
 * @throws Error when it fails, when a job did not arrive exactly once, or when it takes more than five minutes.
 */
export async function measure(order: Order, server: string, signal: AbortSignal): Promise<Measurement> {
  mkdirSync(DATA, { recursive: true })
  const folder = mkdtempSync(join(pathOf(DATA), `${order.suite}-`))
  try {
    const answer = await askChild({ ...order, folder, server }, signal)
    if ('measurement' in answer) return answer.measurement
    throw new Error(`${order.suite}, case ${order.case}, ${order.contender}: ${answer.error}`)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function askChild(assignment: Assignment, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const child = fork(new URL('measurement-entry.ts', import.meta.url), [JSON.stringify(assignment)], {
      execArgv: ['--expose-gc'],
      // A quick run keeps what was compiled, so that its many processes start sooner.
      env: assignment.scale === 'quick' ? { ...process.env, NODE_COMPILE_CACHE: COMPILED } : process.env,
      // Standard output is for results alone.
      stdio: ['ignore', 2, 2, 'ipc'],
      signal: AbortSignal.any([signal, AbortSignal.timeout(DEADLINE_MS)]),
      killSignal: 'SIGKILL',
    })
    let answer: Answer | undefined
    child.on('message', (message) => (answer = message as Answer))
    child.once('error', reject)
    child.once('exit', (code, killedBy) => {
      resolve(answer ?? { error: `the process ended with ${killedBy ?? code} and without a figure` })
    })
  })
}

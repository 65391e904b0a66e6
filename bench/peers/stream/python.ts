import { spawn, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Contender } from '../../case.ts'
import { makeFrames } from '../../loads/stream/frames.ts'
import { countIn } from '../../loads/stream/line.ts'
import { pathOf } from '../../places.ts'

export const PYTHON = 'multiprocessing.Queue'
const COMMAND = 'python3'
const SCRIPT = pathOf(new URL('through_queue.py', import.meta.url))
/** It is slower by so much that a fraction of the frames will do; its figure is a rate. */
const FEWER = 8

const { error, status } = spawnSync(COMMAND, ['-c', 'import json, multiprocessing'], { stdio: 'ignore' })

/** Why it cannot be measured on this machine; undefined when it can. */
export const pythonMissing: string | undefined =
  error === undefined && status === 0 ? undefined : `${COMMAND} is not there`

interface Answer {
  readonly seconds: number
  readonly counts: readonly number[]
  readonly outOfOrder: number
}

/** Both ends are Python's; the same frames, and its own clock, which a quarter of them precedes, too. */
export const throughPython: Contender = async (run) => {
  const jobs = Math.ceil(run.jobs / FEWER)
  const file = join(run.folder, 'frames.jsonl')
  writeFileSync(file, `${makeFrames(jobs).texts.join('\n')}\n`)
  const first = Math.floor(jobs / 4)
  const { seconds, counts, outOfOrder } = JSON.parse(await output([SCRIPT, file, String(first)])) as Answer
  countIn(run, jobs, { counts: Uint8Array.from(counts), outOfOrder, handledAt: new Float64Array() })
  return (jobs - first) / seconds
}

function output(args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(COMMAND, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (some: string) => (text += some))
    child.once('error', reject)
    child.once('close', (code, signal) => {
      if (code === 0) resolve(text)
      else reject(new Error(`${COMMAND} ended with ${signal ?? code}`))
    })
  })
}

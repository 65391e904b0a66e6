import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { now } from '../clock.ts'
import { MARKER, markedWith } from './marked.ts'
import { LINES, type Line, type ServerSettings } from './settings.ts'

/** A busy machine starts a server within this time. */
const SAYS_MS = 30_000
const LAST_LINES_MS = 200

/** How a process ended. */
export interface End {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** On the clock of `now()`. */
  readonly at: number
}

/** A server process that will be hit, in a process group of its own. */
export class Target {
  readonly marker: string
  readonly ended: Promise<End>
  readonly #child: ChildProcess
  readonly #said = new Map<Line, PromiseWithResolvers<void>>()
  readonly #seen = new Set<Line>()

  /** @param folder where its output goes. */
  constructor(settings: ServerSettings, folder: string, marker: string) {
    this.marker = marker
    const stderr = openSync(join(folder, 'server.stderr'), 'w')
    const file = fileURLToPath(new URL('server-entry.ts', import.meta.url))
    this.#child = spawn(
      process.execPath,
      ['--conditions=millhand-source', file, JSON.stringify(settings)],
      // A group of its own: a signal to the group must not reach this process.
      {
        detached: true,
        stdio: ['ignore', 'pipe', stderr],
        env: { ...process.env, [MARKER]: marker },
      },
    )
    closeSync(stderr)
    for (const line of LINES) {
      const said = Promise.withResolvers<void>()
      said.promise.catch(() => {})
      this.#said.set(line, said)
    }
    this.ended = new Promise((resolve, reject) => {
      this.#child.once('error', reject)
      this.#child.once('exit', (code, signal) => resolve({ code, signal, at: now() }))
    })
    createInterface(this.#child.stdout!).on('line', (text) => this.#hear(text))
    this.ended.then(
      ({ code, signal }) => this.#isGone(`it ended with ${signal ?? code}`),
      () => {},
    )
  }

  /** True when it has printed that. */
  hasSaid(line: Line): boolean {
    return this.#seen.has(line)
  }

  /** Resolves when it has printed that. @throws Error when it has ended without, or SAYS_MS are over. */
  async said(line: Line): Promise<void> {
    const { promise, reject } = this.#said.get(line)!
    const late = setTimeout(() => reject(silent(line, `after ${SAYS_MS / 1000} s it had not`)), SAYS_MS)
    await promise.finally(() => clearTimeout(late))
  }

  /** Nobody is left to hear it: that is no fault of the run. */
  send(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** To all processes of its group, as Ctrl-C and service managers do. */
  sendToGroup(signal: NodeJS.Signals): void {
    sendTo(-this.#child.pid!, signal)
  }

  /** One of the processes of its workers. */
  child(aim: number): number {
    const children = markedWith(this.marker).filter((pid) => pid !== this.#child.pid)
    const child = children[Math.floor(aim * children.length)]
    if (child === undefined) throw new Error('expected the server to have processes, got none')
    return child
  }

  #hear(text: string): void {
    const line = LINES.find((each) => each === text)
    if (line === undefined) return
    this.#seen.add(line)
    this.#said.get(line)!.resolve()
  }

  #isGone(why: string): void {
    // What it printed last may still be on its way. Whatever it has left behind may hold the other end for ever.
    setTimeout(() => {
      for (const [line, { reject }] of this.#said) reject(silent(line, why))
      this.#child.stdout?.destroy()
    }, LAST_LINES_MS)
  }
}

function silent(line: Line, why: string): Error {
  return new Error(`expected the server to print "${line}", but ${why}`)
}

/** To one process, or to a group by its negated number. */
export function sendTo(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It has ended meanwhile.
  }
}

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePort } from './port.ts'

const GUARD = fileURLToPath(new URL('guard.sh', import.meta.url))
const READY_MS = 30_000
const STOP_MS = 20_000
const ATTEMPTS = 10

/** The guard of a running server removes its folder; of one that was killed, nobody else does. */
const folders = new Set<string>()
process.on('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/** What has to be known of a kind of server to run one. */
export interface ServerKind {
  readonly name: string
  /** Who runs it; undefined: who runs this. */
  readonly user?: { readonly uid: number; readonly gid: number } | undefined
  /** Fills the folder, once. */
  readonly prepare?: (folder: string) => Promise<void>
  readonly command: (folder: string, port: number) => readonly string[]
  readonly url: (port: number) => string
  /** Whether it answers already. */
  readonly isReady: (server: { folder: string; port: number; pid: number }) => Promise<boolean>
  /** Asks it to end orderly and soon. */
  readonly stopSignal: NodeJS.Signals
  /** Makes it end at once, with its children. */
  readonly abandonSignal: NodeJS.Signals
}

/**
 * A server of our own at a free port of the loopback interface, with its data in a new temporary folder. It ends
 * with `stop`, and when this process ends, by whatever means; it does not keep this process from ending.
 */
export class PrivateServer {
  readonly #kind: ServerKind
  /** Where it keeps its data and its log. */
  readonly folder: string
  #port = 0
  #guard: ChildProcess | undefined
  #pid = 0

  private constructor(kind: ServerKind) {
    this.#kind = kind
    this.folder = mkdtempSync(join(tmpdir(), `millhand-${kind.name}-`))
    folders.add(this.folder)
    if (kind.user !== undefined) chownSync(this.folder, kind.user.uid, kind.user.gid)
  }

  /** @throws Error with what the server said when it does not answer within 30 s. */
  static async start(kind: ServerKind): Promise<PrivateServer> {
    const server = new PrivateServer(kind)
    try {
      await kind.prepare?.(server.folder)
      for (let attempt = 1; ; attempt++) {
        server.#port = await freePort()
        if (await server.#run(attempt < ATTEMPTS)) return server
      }
    } catch (error) {
      await server.stop()
      throw error
    }
  }

  get url(): string {
    return this.#kind.url(this.#port)
  }

  get port(): number {
    return this.#port
  }

  get pid(): number {
    return this.#pid
  }

  /** What it wrote to its standard output and error. */
  get log(): string {
    return readFileSync(join(this.folder, 'server.log'), 'utf8')
  }

  /** Ends it orderly and removes its data. */
  async stop(): Promise<void> {
    await this.#end(this.#kind.stopSignal)
    rmSync(this.folder, { recursive: true, force: true })
    folders.delete(this.folder)
  }

  /** Sends it a signal. Resolves when it has ended, unless the signal is one that only stops or continues it. */
  async kill(signal: NodeJS.Signals): Promise<void> {
    if (signal === 'SIGSTOP' || signal === 'SIGCONT') this.#signal(signal)
    else await this.#end(signal)
  }

  /** Ends it orderly if it runs, and starts it at the same port with the same data. */
  async restart(): Promise<void> {
    await this.#end(this.#kind.stopSignal)
    await this.start()
  }

  /** Starts it again after a `kill`. */
  async start(): Promise<void> {
    // What a killed server leaves behind may be in the way for a moment.
    for (let attempt = 1; !(await this.#run(attempt < ATTEMPTS)); attempt++) await sleep(100)
  }

  /** @returns whether it answers; false when it may be tried again. */
  async #run(mayFail: boolean): Promise<boolean> {
    const { user, abandonSignal, command, isReady } = this.#kind
    const args = [GUARD, abandonSignal.slice(3), this.folder, ...command(this.folder, this.#port)]
    // A session of its own: what interrupts or kills the group of this process does not reach it.
    const guard = spawn('sh', args, {
      ...user,
      cwd: this.folder,
      detached: true,
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    this.#guard = guard
    const [line] = (await once(guard.stdout, 'data')) as [Buffer]
    this.#pid = Number(line.toString())
    guard.unref()
    for (const pipe of [guard.stdin, guard.stdout]) (pipe as unknown as Socket).unref()
    const deadline = performance.now() + READY_MS
    while (!hasEnded(guard)) {
      if (await isReady({ folder: this.folder, port: this.#port, pid: this.#pid })) return true
      if (performance.now() > deadline) throw this.#failure(`did not answer within ${READY_MS / 1000} s`)
      await sleep(10)
    }
    if (mayFail && /in use/i.test(this.log)) {
      rmSync(join(this.folder, 'server.log'))
      return false
    }
    throw this.#failure('ended at its start')
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const guard = this.#guard
    if (guard === undefined || hasEnded(guard)) return
    guard.ref()
    const ended = once(guard, 'exit')
    this.#signal(signal)
    this.#signal('SIGCONT')
    const patience = setTimeout(() => this.#signal('SIGKILL'), STOP_MS)
    await ended
    clearTimeout(patience)
  }

  #signal(signal: NodeJS.Signals): void {
    try {
      process.kill(this.#pid, signal)
    } catch {
      // It has ended, and its guard is about to tell.
    }
  }

  #failure(what: string): Error {
    return new Error(`${this.#kind.name} ${what}:\n${this.log.trimEnd().split('\n').slice(-20).join('\n')}`)
  }
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null
}

import { settledWithin } from '../../core/sleep.ts'
import { formatStack, type CallFrame } from './call-frames.ts'

/** A line to the debugger of another thread. It keeps the order of what is posted. */
export interface DebuggerLine {
  /** Resolves when it is answered. */
  post(method: `Debugger.${'enable' | 'pause' | 'resume' | 'disable'}`): Promise<void>
  /** Everything that the debugger says by itself. Called once, before anything is posted. */
  listen(hear: (method: string, params: object) => void): void
  /** Leaves nothing behind. */
  close(): void
}

export interface Sample {
  /** Where the thread was; undefined when it could not be asked. */
  readonly stack: string | undefined
  /** Somebody holds it in a debugger: it is not blocked. */
  readonly isDebugged: boolean
}

const UNKNOWN: Sample = { stack: undefined, isDebugged: false }
/** A thread that runs JavaScript answers within this; one in a call of native code when that returns. */
const ANSWER_MS = 400
/** The rest is work for the thread itself, which shares the machine with others. */
const SAMPLE_MS = 2000
/** One that has answered goes on, or lets go, within this. */
const RELEASE_MS = 100

/**
 * Pauses a thread for a moment, reads its stack, and lets it go on. Never rejects; takes 400 ms for a thread that
 * does not answer.
 */
export async function readStack(line: DebuggerLine): Promise<Sample> {
  const pause = new Pause(line)
  const sample = pause.sample().catch(() => UNKNOWN)
  const isInTime =
    (await settledWithin(Promise.race([pause.answered, sample]), ANSWER_MS)) &&
    (await settledWithin(sample, SAMPLE_MS))
  const released = pause.release()
  if (isInTime) await settledWithin(released, RELEASE_MS)
  line.close()
  return isInTime ? sample : UNKNOWN
}

class Pause {
  readonly #line: DebuggerLine
  readonly #urls = new Map<string, string>()
  readonly #answered = Promise.withResolvers<void>()
  readonly #frames = Promise.withResolvers<readonly CallFrame[]>()
  readonly #resumed = Promise.withResolvers<void>()
  #isOurs = false
  #isResumed = false
  #isDebugged = false

  constructor(line: DebuggerLine) {
    this.#line = line
    line.listen((method, params) => this.#hear(method, params))
  }

  /** Resolves when the thread has answered for the first time. */
  get answered(): Promise<void> {
    return this.#answered.promise
  }

  async sample(): Promise<Sample> {
    // Changes nothing: what comes next takes a while, and this tells whether it will come at all.
    await this.#line.post('Debugger.disable')
    this.#answered.resolve()
    await this.#line.post('Debugger.enable')
    // Whoever comes to a thread that is paused already is told so before the answer.
    if (this.#isDebugged) return { stack: undefined, isDebugged: true }
    this.#isOurs = true
    await this.#line.post('Debugger.pause')
    // One that waits for work, since it was blocked only until now, comes to no pause.
    if (!(await settledWithin(this.#frames.promise, ANSWER_MS))) return UNKNOWN
    const stack = formatStack(await this.#frames.promise, this.#urls)
    await this.#line.post('Debugger.resume')
    // Until then it is paused for whoever comes next.
    await settledWithin(this.#resumed.promise, RELEASE_MS)
    return { stack, isDebugged: false }
  }

  /**
   * Takes back everything that was asked for, also what has not happened yet: a thread that comes back from
   * native code later does all of it at once. One that is paused when its line closes would stay so.
   */
  async release(): Promise<void> {
    const resumed = this.#isOurs && !this.#isResumed ? this.#line.post('Debugger.resume') : undefined
    await Promise.allSettled([resumed, this.#line.post('Debugger.disable')])
  }

  #hear(method: string, params: object): void {
    switch (method) {
      case 'Debugger.scriptParsed': {
        const { scriptId, url } = params as { readonly scriptId: string; readonly url: string }
        this.#urls.set(scriptId, url)
        break
      }
      case 'Debugger.paused':
        if (this.#isOurs) {
          this.#frames.resolve((params as { readonly callFrames: readonly CallFrame[] }).callFrames)
        } else this.#isDebugged = true
        break
      case 'Debugger.resumed':
        this.#isResumed = true
        this.#resumed.resolve()
    }
  }
}

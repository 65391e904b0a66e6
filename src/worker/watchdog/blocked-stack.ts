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
/** A thread in a call of native code says nothing before that returns, which may be never. */
const SIGN_MS = 400
/** One that says something needs no more than this, also on a machine that is overloaded. */
const SAMPLE_MS = 1000
/** One that has answered goes on, or lets go, within this. */
const RELEASE_MS = 100

/**
 * Pauses a thread for a moment, reads its stack, and lets it go on. Never rejects; takes 400 ms for a thread that
 * says nothing.
 */
export async function readStack(line: DebuggerLine): Promise<Sample> {
  const pause = new Pause(line)
  const sample = pause.sample().catch(() => UNKNOWN)
  const isInTime =
    (await settledWithin(Promise.race([pause.heard, sample]), SIGN_MS)) &&
    (await settledWithin(sample, SAMPLE_MS))
  const released = pause.release()
  if (isInTime) await settledWithin(released, RELEASE_MS)
  line.close()
  return isInTime ? sample : UNKNOWN
}

class Pause {
  readonly #line: DebuggerLine
  readonly #urls = new Map<string, string>()
  readonly #heard = Promise.withResolvers<void>()
  readonly #frames = Promise.withResolvers<readonly CallFrame[]>()
  readonly #resumed = Promise.withResolvers<void>()
  #isOurs = false
  #isResumed = false
  #isDebugged = false

  constructor(line: DebuggerLine) {
    this.#line = line
    line.listen((method, params) => this.#hear(method, params))
  }

  /** Resolves at the first thing that it says: the scripts that it has come before any answer. */
  get heard(): Promise<void> {
    return this.#heard.promise
  }

  async sample(): Promise<Sample> {
    await this.#line.post('Debugger.enable')
    // Whoever comes to a thread that is paused already is told so before the answer.
    if (this.#isDebugged) return { stack: undefined, isDebugged: true }
    this.#isOurs = true
    await this.#line.post('Debugger.pause')
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
    this.#heard.resolve()
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

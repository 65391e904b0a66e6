import { afterEach, describe, expect, test, vi } from 'vitest'
import { readStack, type DebuggerLine } from '../../../src/worker/watchdog/blocked-stack.ts'

const CALL_FRAMES = [{ functionName: 'sum', location: { scriptId: '1', lineNumber: 9, columnNumber: 4 } }]
const SCRIPT = { scriptId: '1', url: 'file:///srv/app/report.ts' }

afterEach(() => void vi.useRealTimers())

/** A debugger that is not there: `answer` says what it does when it is asked for something. */
function line(answer: (method: string, say: (method: string, params: object) => void) => Promise<void>) {
  const posted: string[] = []
  let hear: (method: string, params: object) => void = () => {}
  const fake: DebuggerLine = {
    post: (method) => {
      posted.push(method.replace('Debugger.', ''))
      return answer(method, hear)
    },
    listen: (listener) => (hear = listener),
    close: () => posted.push('close'),
  }
  return { fake, posted }
}

const never = (): Promise<never> => new Promise(() => {})

describe('reading the stack of a thread', () => {
  test('pauses it, and lets it go on before the line is closed', async () => {
    // Else a thread that is looked at stays where it is, for ever.
    const { fake, posted } = line((method, say) => {
      if (method === 'Debugger.enable') say('Debugger.scriptParsed', SCRIPT)
      if (method === 'Debugger.pause') say('Debugger.paused', { callFrames: CALL_FRAMES })
      if (method === 'Debugger.resume') say('Debugger.resumed', {})
      return Promise.resolve()
    })
    expect(await readStack(fake)).toEqual({
      stack: '    at sum (file:///srv/app/report.ts:10:5)',
      isDebugged: false,
    })
    expect(posted).toEqual(['disable', 'enable', 'pause', 'resume', 'disable', 'close'])
  })

  test('takes back what it has asked a thread for that did not answer', async () => {
    // Else one that returns from native code later is paused then, with nobody to let it go on.
    vi.useFakeTimers()
    const { fake, posted } = line((method, say) => {
      say('Debugger.scriptParsed', SCRIPT)
      return method === 'Debugger.pause' ? never() : Promise.resolve()
    })
    const sample = readStack(fake)
    await vi.advanceTimersByTimeAsync(2500)
    expect(await sample).toEqual({ stack: undefined, isDebugged: false })
    expect(posted).toEqual(['disable', 'enable', 'pause', 'resume', 'disable', 'close'])
  })

  test('asks nothing more of one that says nothing, and gives up soon', async () => {
    vi.useFakeTimers()
    const { fake, posted } = line(never)
    const sample = readStack(fake)
    await vi.advanceTimersByTimeAsync(500)
    expect(await sample).toEqual({ stack: undefined, isDebugged: false })
    expect(posted).toEqual(['disable', 'disable', 'close'])
  })

  test('does not let a thread go on that somebody else has paused', async () => {
    // Else whoever debugs a program loses the place where it was held.
    const { fake, posted } = line((method, say) => {
      if (method === 'Debugger.enable') say('Debugger.paused', { callFrames: CALL_FRAMES })
      return Promise.resolve()
    })
    expect(await readStack(fake)).toEqual({ stack: undefined, isDebugged: true })
    expect(posted).toEqual(['disable', 'enable', 'disable', 'close'])
  })

  test('is nothing that can fail', async () => {
    const { fake, posted } = line(() => Promise.reject(new Error('Session was closed')))
    expect(await readStack(fake)).toEqual({ stack: undefined, isDebugged: false })
    expect(posted.at(-1)).toBe('close')
  })
})

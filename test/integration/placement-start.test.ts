import { describe, expect, test } from 'vitest'
import { InvalidOptionError, MillhandError, StateError, WorkerExitError } from '../../src/core/errors.ts'
import type { PlacementOptions } from '../../src/worker/placement/placement-options.ts'
import {
  NotOurs,
  ProcessBroken,
  ProcessHeir,
  ThreadBroken,
  ThreadHeir,
  ThreadProbe,
} from '../fixtures/placement/probe.ts'
import { classAt, failure, file, place, probe, REMOTE, type Remote } from '../fixtures/placement/placed.ts'

const PROBE = new URL('../fixtures/placement/probe.ts', import.meta.url).href
const HANDLE = new URL('../../src/worker/handle.ts', import.meta.url).href
const BASE = new URL('../../src/worker/', import.meta.url).href

/** Starts a class that says it is in `module`. @returns what that fails with, and what happened. */
async function start(remote: Remote, module: string, name?: string, placement?: PlacementOptions) {
  const placed = place(classAt(remote, module, name), {}, placement)
  const error = await failure(placed.handle.start())
  expect([placed.handle.state, placed.handle.error]).toEqual(['failed', error])
  expect(placed.events.of('shutdown')).toEqual([{ worker: placed.handle.name, error }])
  return { ...placed, error }
}

describe.each(REMOTE)('a %s cannot be started, and the error says what to do:', (remote) => {
  test('its module is missing', async () => {
    const { error, events } = await start(remote, 'file:///nowhere/mailer.ts')
    expect(error).toMatchObject({ code: 'MODULE_LOAD' })
    expect(error).toBeInstanceOf(MillhandError)
    expect(error.message).toContain('cannot load /nowhere/mailer.ts for Mailer: ')
    expect(error.message).toContain(
      'expected static module to be import.meta.url in the file that exports Mailer',
    )
    expect(error.cause).toMatchObject({ code: 'ERR_MODULE_NOT_FOUND' })
    expect(events.of('error')).toEqual([{ worker: expect.any(String) as string, error }])
  })

  test('its module imports a file that is missing', async () => {
    const { error } = await start(remote, file(`import './gone.ts'`))
    expect(error.message).toContain('gone.ts')
    expect(error.message).not.toContain('expected static module')
  })

  test('the module exports nothing of that name', async () => {
    const { error } = await start(remote, PROBE)
    expect(error).toMatchObject({ code: 'MODULE_LOAD' })
    expect(error.message).toContain('probe.ts does not export a class Mailer, it exports ')
    expect(error.message).toContain('ThreadProbe')
    expect(error.message).toContain('write `export class Mailer ...` there')
  })

  test('the module exports nothing at all', async () => {
    const { error } = await start(remote, file('class Mailer {}\nexport {}'))
    expect(error.message).toContain('does not export a class Mailer, it exports nothing;')
  })

  test('what the module exports is no worker', async () => {
    const { error } = await start(remote, PROBE, NotOurs.name)
    expect(error.message).toContain('NotOurs of ')
    expect(error.message).toContain('is not a class that extends Worker, got: function NotOurs')
  })

  test('the class extends the Worker of another copy of the library', async () => {
    const { error } = await start(remote, file('class Worker {}\nexport class Mailer extends Worker {}'))
    expect(error.message).toContain(
      'extends a Worker of another copy of millhand; one installed copy must serve both',
    )
  })

  test('a syntax error, with its place or the way to find it', async () => {
    const inTypes = await start(remote, file('export const a: number = 1\nexport const = 2'))
    expect(inTypes.error).toMatchObject({ code: 'MODULE_LOAD', cause: { name: 'SyntaxError' } })
    expect(inTypes.error.message).toMatch(/SyntaxError: .* at \S+mailer\.ts:2$/)
    const plain = await start(remote, file('export const = 2', 'mailer.mjs'))
    expect(plain.error.message).toMatch(/SyntaxError: .*; node --check \S+mailer\.mjs shows where/)
  })

  test('TypeScript that is more than types', async () => {
    const { error } = await start(remote, file('\nexport enum Colour { Red }'))
    expect(error.message).toContain('TypeScript enum is not supported')
    expect(error.message).toContain('mailer.ts:2; ')
    expect(error.message).toContain('erasableSyntaxOnly')
  })

  test('its module throws on import, with the place', async () => {
    const { error } = await start(remote, file('\nthrow new RangeError("no config")'))
    expect(error).toMatchObject({ code: 'MODULE_LOAD', cause: { name: 'RangeError', message: 'no config' } })
    expect(error.message).toContain('RangeError: no config')
    expect((error.cause as Error).stack).toContain('mailer.ts:2')
  })

  test('its module throws something odd on import', async () => {
    const { error } = await start(remote, file('throw undefined'))
    expect(error.message).toContain('undefined')
  })

  test('its module throws in a timer while it is loaded', async () => {
    const { error } = await start(
      remote,
      file('setTimeout(() => { throw new Error("in a timer") }, 1)\nawait new Promise(() => {})'),
    )
    expect(error.message).toContain('in a timer')
  })

  test('its module calls process.exit', async () => {
    const { error } = await start(remote, file('process.exit(3)'))
    expect(error).toBeInstanceOf(WorkerExitError)
    expect(error).toMatchObject({ exitCode: 3 })
    expect(error.message).toContain('exited with code 3 while it loaded ')
    expect(error.message).toContain('does the module call process.exit()?')
  })

  test('its module never ends to load', async () => {
    const { error, events } = await start(
      remote,
      file('setInterval(() => {}, 1000)\nawait new Promise(() => {})'),
      'Mailer',
      {
        startTimeout: '300ms',
      },
    )
    expect(error).toMatchObject({ code: 'START_TIMEOUT' })
    expect(error.message).toContain('was not set up within 300ms')
    expect(error.message).toContain('startTimeout')
    expect(events.of('killed')).toMatchObject([{ cause: { kind: 'deadline' } }])
  })

  test('its module waits for something that can never come', async () => {
    // Node ends a process by itself, with code 13, when nothing is left that could go on.
    const { error } = await start(remote, file('await new Promise(() => {})'), 'Mailer', {
      startTimeout: '1s',
    })
    expect(error.message).toMatch(/was not set up within 1s|while it loaded/)
  })

  test('its module blocks', async () => {
    const { error } = await start(remote, file('while (true);'), 'Mailer', { startTimeout: '300ms' })
    expect(error).toMatchObject({ code: 'START_TIMEOUT' })
  })

  test('its constructor throws', async () => {
    const { handle } = place(remote === 'thread' ? ThreadBroken : ProcessBroken)
    const error = await failure(handle.start())
    expect(error).toMatchObject({ message: 'cannot be made' })
    expect(error.stack).toContain('probe.ts')
    expect(handle.state).toBe('failed')
  })

  test.each(['never', 'block'] as const)('its setup does not end (%s)', async (setup) => {
    const { handle } = probe(remote, { setup }, { startTimeout: '500ms' })
    const error = await failure(handle.start())
    expect(error).toMatchObject({ code: 'START_TIMEOUT' })
    expect(error.message).toContain('setup() does not end')
    expect([handle.state, handle.error]).toEqual(['failed', error])
  })

  test('its setup calls process.exit', async () => {
    const { handle } = probe(remote, { setup: 'exit' })
    expect((await failure(handle.start())).message).toContain('exited with code 7 during its setup')
  })

  test('it has flags that Node does not know', async () => {
    const { handle } = probe(remote, {}, { execArgv: ['--no-such-flag'] })
    await failure(handle.start())
    expect(handle.state).toBe('failed')
    expect(handle.error?.message).toMatch(/--no-such-flag|exited with code 9/)
  })

  test('its module starts itself: refused, instead of starting for ever', async () => {
    const base = remote === 'thread' ? 'ThreadWorker' : 'ProcessWorker'
    const module = file(`
      import { ${base} } from '${BASE}${remote}-worker.ts'
      import { WorkerHandle } from '${HANDLE}'
      export class Mailer extends ${base} {
        static module = import.meta.url
        main() {}
      }
      await new WorkerHandle(Mailer).start()
    `)
    const { error } = await start(remote, module)
    expect(error.message).toContain('Mailer was about to be started by its own module in the ')
    expect(error.message).toContain(
      'put the class in a file of its own, or start it only if (import.meta.main)',
    )
    expect(error.cause).toBeInstanceOf(StateError)
  })

  test('after a failed start it can be started again', async () => {
    const { handle } = probe(remote, { setup: 'throw' })
    await failure(handle.start())
    expect((await failure(handle.start())).message).toContain('no disk')
    expect(handle.state).toBe('failed')
  })
})

describe('a class that could never be found', () => {
  test('is refused before anything is started: it has no name', () => {
    const make = () => class extends ThreadProbe {}
    expect(() => place(Object.defineProperty(make(), 'name', { value: '' }))).toThrow(
      'expected the class of a worker in a thread to have a name, got an anonymous class; export it by name',
    )
  })

  test.each([ThreadHeir, ProcessHeir])('is refused: %o names no module of its own', (heir) => {
    expect(() => place(heir)).toThrow(InvalidOptionError)
    expect(() => place(heir)).toThrow(
      `expected ${heir.name} to say where its ${heir === ThreadHeir ? 'thread' : 'process'} finds it: ` +
        'static override module = import.meta.url',
    )
  })

  test.each(['./mailer.ts', 'mailer', 'https://example.org/mailer.ts'])(
    'is refused: %s is no file',
    (module) => {
      expect(() => place(classAt('thread', module))).toThrow(
        'expected the static module of Mailer to be import.meta.url',
      )
    },
  )

  test('is found under another name, and by its path', async () => {
    const { handle } = place(classAt('thread', PROBE, 'ThreadHidden'))
    await handle.start()
    await handle.join()
    const byPath = place(classAt('process', new URL(PROBE).pathname, 'ProcessProbe'))
    await byPath.handle.start()
    expect(byPath.handle.isRunning).toBe(true)
  })

  test('is not made here', () => {
    expect(() => new ThreadProbe()).toThrow(StateError)
    expect(() => new ThreadProbe()).toThrow('ThreadProbe is instantiated only in its thread: add the class')
  })
})

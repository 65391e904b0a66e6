import { expect, test } from 'vitest'
import { WorkerExitError } from '../../../../src/core/errors.ts'
import type { ChildExit } from '../../../../src/worker/placement/channel.ts'
import { exitError, type ExitCircumstances } from '../../../../src/worker/placement/exit-error.ts'

const NO_EXIT: ChildExit = { exitCode: undefined, signal: undefined, error: undefined }

function of(exit: Partial<ChildExit>, rest: Partial<ExitCircumstances> = {}): WorkerExitError {
  const place = { placement: 'process', name: 'mail', module: 'file:///mail.ts', pid: 7 } as const
  return exitError({ ...place, progress: 'life', ...rest, exit: { ...NO_EXIT, ...exit } })
}

test.each<[string, WorkerExitError]>([
  ['exited with code 3; does something call process.exit()?', of({ exitCode: 3 })],
  [
    'exited with code 0 while it loaded file:///mail.ts; does the module call process.exit()?',
    of({ exitCode: 0 }, { progress: 'load' }),
  ],
  [
    'exited with code 1 during its setup; does something call process.exit()?',
    of({ exitCode: 1 }, { progress: 'setup' }),
  ],
  ['was ended by SIGKILL; the system does that to a process when memory runs out', of({ signal: 'SIGKILL' })],
  ['was ended by SIGSEGV', of({ signal: 'SIGSEGV' })],
  ['was ended by SIGABRT; Node does that when its heap is full', of({ signal: 'SIGABRT' })],
  ['exited with code 134; Node does that when its heap is full', of({ exitCode: 134 })],
  ['could not be started: spawn EAGAIN', of({ error: new Error('spawn EAGAIN') }, { progress: 'load' })],
])('the process of worker mail (pid 7) %s', (text, error) => {
  expect(error.message).toBe(`the process of worker mail (pid 7) ${text}`)
  expect(error).toBeInstanceOf(WorkerExitError)
  expect(error.code).toBe('WORKER_EXITED')
})

test('a thread has no process id; what the platform says becomes the cause', () => {
  const cause = Object.assign(new Error('reached its memory limit'), { code: 'ERR_WORKER_OUT_OF_MEMORY' })
  const error = of({ exitCode: 1, error: cause }, { placement: 'thread' })
  expect(error.message).toBe(
    'the thread of worker mail exited with code 1: reached its memory limit; raise resourceLimits, or let it be ' +
      'recycled before with maxMemory',
  )
  expect(error).toMatchObject({ cause, exitCode: 1, signal: undefined })
})

test('without a process there is no process id to tell', () => {
  expect(of({ error: new Error('spawn EAGAIN') }, { pid: undefined, progress: 'load' }).message).toBe(
    'the process of worker mail could not be started: spawn EAGAIN',
  )
})

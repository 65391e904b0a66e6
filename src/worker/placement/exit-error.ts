import { WorkerExitError } from '../../core/errors.ts'
import type { Placement } from '../status.ts'
import type { ChildExit } from './channel.ts'

/** How far a child has come: it loads its module, sets up, lives, has said its last word. */
export type Progress = 'load' | 'setup' | 'life' | 'ended'

export interface ExitCircumstances {
  readonly exit: ChildExit
  readonly progress: Progress
  readonly placement: Exclude<Placement, 'inline'>
  readonly name: string
  readonly module: string
  readonly pid: number | undefined
}

/** An end that nobody asked for, and what may be behind it. */
export function exitError(circumstances: ExitCircumstances): WorkerExitError {
  const { exit, progress, placement, name, module, pid } = circumstances
  const { exitCode, signal, error } = exit
  const when = {
    load: ` while it loaded ${module}`,
    setup: ' during its setup',
    life: '',
    ended: '',
  }[progress]
  const how =
    signal !== undefined
      ? `was ended by ${signal}${when}`
      : exitCode === undefined
        ? 'could not be started'
        : `exited with code ${exitCode}${when}`
  const id = placement === 'process' && pid !== undefined ? ` (pid ${pid})` : ''
  const what = `the ${placement} of worker ${name}${id} ${how}`
  return new WorkerExitError(what + hint(circumstances), { exitCode, signal, cause: error })
}

function hint({ exit, progress }: ExitCircumstances): string {
  const { exitCode, signal, error } = exit
  if (error !== undefined && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY') {
    return `: ${error.message}; raise resourceLimits, or let it be recycled before with maxMemory`
  }
  if (error !== undefined) return `: ${error.message}`
  if (signal === 'SIGKILL') return '; the system does that to a process when memory runs out'
  if (exitCode === 134 || signal === 'SIGABRT') return '; Node does that when its heap is full'
  if (exitCode !== undefined && progress === 'load') return '; does the module call process.exit()?'
  return exitCode === undefined ? '' : '; does something call process.exit()?'
}

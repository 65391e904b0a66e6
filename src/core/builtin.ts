/**
 * Modules of Node that cost as much to load as all of Millhand, each loaded when it is first used. An `import`
 * would load them with the package, and with their rarely used parts too: in each thread that starts, though it
 * may never need them.
 */
export const builtin = {
  get childProcess(): typeof import('node:child_process') {
    return process.getBuiltinModule('node:child_process')
  },
  get crypto(): typeof import('node:crypto') {
    return process.getBuiltinModule('node:crypto')
  },
  get fs(): typeof import('node:fs') {
    return process.getBuiltinModule('node:fs')
  },
  get module(): typeof import('node:module') {
    return process.getBuiltinModule('node:module')
  },
  get net(): typeof import('node:net') {
    return process.getBuiltinModule('node:net')
  },
  get perfHooks(): typeof import('node:perf_hooks') {
    return process.getBuiltinModule('node:perf_hooks')
  },
  get url(): typeof import('node:url') {
    return process.getBuiltinModule('node:url')
  },
  get v8(): typeof import('node:v8') {
    return process.getBuiltinModule('node:v8')
  },
}

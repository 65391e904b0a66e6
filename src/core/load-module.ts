import { extname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { blame, relativePath } from './blame.ts'
import { builtin } from './builtin.ts'
import { MillhandError, show } from './errors.ts'

/** What Node can load, TypeScript by leaving the types out. */
export const MODULE_EXTENSIONS: readonly string[] = ['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs']

/**
 * Imports a file of the user.
 * @returns what it exports.
 * @throws MillhandError NOT_FOUND when it is not there; MODULE_LOAD, with file and line, when it cannot be loaded.
 */
export async function loadModule(file: string): Promise<Readonly<Record<string, unknown>>> {
  const path = resolve(file)
  checkPlace(file, path)
  const stuck = Promise.withResolvers<never>()
  const onIdle = (): void => {
    stuck.reject(failure(`${file} is never done loading: a top-level await in it waits for ever`))
  }
  // With nothing left to wait for, Node would end the process as if all were well.
  process.once('beforeExit', onIdle)
  try {
    const loading = import(pathToFileURL(path).href) as Promise<Record<string, unknown>>
    return await Promise.race([loading, stuck.promise])
  } catch (thrown) {
    if (thrown instanceof MillhandError && thrown.code === 'MODULE_LOAD') throw thrown
    throw failure(await explain(thrown, file, path), thrown)
  } finally {
    process.off('beforeExit', onIdle)
  }
}

function failure(message: string, cause?: unknown): MillhandError {
  return new MillhandError('MODULE_LOAD', message, { cause })
}

function notFound(message: string): MillhandError {
  return new MillhandError('NOT_FOUND', message)
}

function checkPlace(file: string, path: string): void {
  const stats = builtin.fs.statSync(path, { throwIfNoEntry: false })
  if (stats === undefined) {
    const guess = MODULE_EXTENSIONS.find((extension) => builtin.fs.existsSync(path + extension))
    throw notFound(
      `there is no file ${file}; ${guess ? `did you mean ${file}${guess}?` : `looked for ${path}`}`,
    )
  }
  if (stats.isDirectory()) throw notFound(`${file} is a folder; name the file in it that exports the workers`)
  if (!MODULE_EXTENSIONS.includes(extname(path))) {
    throw failure(`expected ${file} to be a TypeScript or JavaScript file (${MODULE_EXTENSIONS.join(' ')})`)
  }
}

/** One or two lines: where, what, and what to do when that is known. */
async function explain(error: unknown, file: string, path: string): Promise<string> {
  if (!(error instanceof Error)) return `${file}: threw while it was loaded: ${show(error)}`
  const code = (error as NodeJS.ErrnoException).code ?? ''
  const [reason = ''] = error.message.split('\n')
  const where = blame(error) ?? (error instanceof SyntaxError ? await syntaxErrorIn(path) : undefined) ?? file
  const hint = HINTS.find(([pattern]) => pattern.test(`${code} ${reason}`))?.[1]
  const advice = hint === undefined ? '' : `; ${hint}`
  if (error instanceof SyntaxError) return `${where}: cannot be loaded: ${reason}${advice}`
  if (code.startsWith('ERR_') && /NOT_FOUND|UNKNOWN|UNSUPPORTED|NOT_EXPORTED/.test(code)) {
    return `${where}: ${reason}${advice}`
  }
  return `${where}: failed while it was loaded: ${error.name}: ${reason}${advice}`
}

const HINTS: readonly (readonly [pattern: RegExp, hint: string])[] = [
  [
    /ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX/,
    'Node leaves types out and compiles nothing: write it in plain syntax (erasableSyntaxOnly in tsconfig.json helps), or run the compiled file',
  ],
  [/NODE_MODULES_TYPE_STRIPPING/, 'packages have to be compiled to JavaScript'],
  [/Cannot find package/, 'is it installed?'],
  [/does not provide an export named/, 'if that is a type, import it with `import type`'],
  [/Cannot find module .*\.js'/, 'if it is a TypeScript file, import it by its own name, with .ts'],
]

/** Node keeps the place of a syntax error in JavaScript to itself, unless it is asked only to check the file. */
function syntaxErrorIn(path: string): Promise<string | undefined> {
  return new Promise((done) => {
    builtin.childProcess.execFile(
      process.execPath,
      ['--check', path],
      { timeout: 10_000 },
      (_error, _stdout, stderr) => {
        const [, found, line] = /^(.+):(\d+)$/m.exec(stderr) ?? []
        done(found === undefined ? undefined : `${relativePath(found)}:${line}`)
      },
    )
  })
}

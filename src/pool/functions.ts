import { MillhandError } from '../core/errors.ts'
import { nearest } from '../core/options.ts'

/** What a module exports, of which the functions can be called. */
export type Functions = object

/** The names of the functions of a module that a pool can call. */
export type FunctionName<Module> = {
  [K in keyof Module]: Module[K] extends (...args: never[]) => unknown
    ? K extends 'setup' | 'teardown'
      ? never
      : K
    : never
}[keyof Module] &
  string

/** What names a function of a module to its pool: its name, or the function itself. */
export type Callable<Module> = FunctionName<Module> | Module[FunctionName<Module>]

/** The function that is meant. */
type Meant<Module, Fn> = Fn extends keyof Module ? Module[Fn] : Fn

/** The arguments of a function of a module. */
export type ArgsOf<Module, Fn> =
  Meant<Module, Fn> extends (this: never, ...args: infer Args extends unknown[]) => unknown ? Args : unknown[]

/** What comes of a call of a function of a module. */
export type ResultOf<Module, Fn> =
  Meant<Module, Fn> extends (...args: never[]) => infer Result ? Awaited<Result> : unknown

/** What an iterable yields. */
export type Yielded<T> = T extends AsyncIterable<infer Y> ? Y : T extends Iterable<infer Y> ? Y : never

/** The error for a function that the module does not export, with a guess at what was meant. */
export function unknownFunction(name: string, names: Iterable<string>): MillhandError {
  const known = [...names]
  const guess = nearest(name, known)
  const hint = guess === undefined ? `it exports ${known.join(', ')}` : `did you mean "${guess}"?`
  return new MillhandError('NOT_FOUND', `the module of the pool exports no function "${name}"; ${hint}`)
}

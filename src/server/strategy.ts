/**
 * Who is started again with a worker that failed. `one-for-one`: nobody else. `one-for-all`: everybody, since they
 * need each other. `rest-for-one`: those that were added after it, since they need it.
 */
export type Strategy = 'one-for-one' | 'one-for-all' | 'rest-for-one'

/** The members that end and begin together with `failed`, in the order of their start. */
export function affectedBy<T>(strategy: Strategy, members: readonly T[], failed: T): readonly T[] {
  if (strategy === 'one-for-one') return [failed]
  return strategy === 'one-for-all' ? members : members.slice(members.indexOf(failed))
}

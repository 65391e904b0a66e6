// oxlint-disable typescript/no-unnecessary-type-parameters -- the parameters are what does the comparing
/** Compiles only when both types are exactly the same; `any` equals nothing but itself. */
export type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

export function expectType<_Check extends true>(): void {}

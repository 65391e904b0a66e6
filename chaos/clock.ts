/** Milliseconds, with fractions, on the clock that all processes of this machine share and nobody can set. */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

/** Counts how often each job was delivered. A job is known by its number, 0 to `expected` - 1, in its payload. */
export class Deliveries {
  #counts: Uint8Array | undefined
  #left = 0
  #strays = 0
  #total = 0

  /** To be said before the first delivery. */
  expect(jobs: number): void {
    this.#counts = new Uint8Array(jobs)
  }

  mark(job: number): void {
    const counts = this.#counts
    const count = counts?.[job]
    if (counts === undefined || count === undefined) {
      this.#strays++
      return
    }
    this.#total++
    counts[job] = Math.min(count + 1, 255)
  }

  /** So many jobs were left in the store on purpose, as the store itself says. */
  left(jobs: number): void {
    this.#left = jobs
  }

  /** How many deliveries there were so far. */
  get total(): number {
    return this.#total
  }

  /** @throws Error when a job was lost, came twice, or was never added. */
  verify(): void {
    if (this.#counts === undefined || this.#counts.length === 0) {
      throw new Error('expected jobs to be counted, but none were expected')
    }
    const never = this.#jobs((count) => count === 0)
    const twice = this.#jobs((count) => count > 1)
    const faults: string[] = []
    if (never.length !== this.#left) {
      const kept = this.#left > 0 ? ` (and ${this.#left} were to be left)` : ''
      faults.push(`${never.length} were never delivered${kept}${firstOf(never)}`)
    }
    if (twice.length > 0) faults.push(`${twice.length} were delivered more than once${firstOf(twice)}`)
    if (this.#strays > 0) faults.push(`${this.#strays} deliveries were of jobs that were never added`)
    if (faults.length === 0) return
    throw new Error(`expected each of ${this.#counts.length} jobs exactly once, got: ${faults.join('; ')}`)
  }

  #jobs(matches: (count: number) => boolean): number[] {
    const found: number[] = []
    for (const [job, count] of this.#counts!.entries()) if (matches(count)) found.push(job)
    return found
  }
}

function firstOf(jobs: readonly number[]): string {
  return jobs.length === 0 ? '' : `, such as job ${jobs[0]}`
}

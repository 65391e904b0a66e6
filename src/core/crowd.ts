/** What can be in a crowd, in one at a time. */
export interface Member {
  /** Kept by the crowd; -1: in none. */
  place: number
}

/**
 * What comes and goes all the time: calls that are under way, jobs that run. A Set would do, but each time that V8 makes
 * its table anew the old one leads to the next, so one that has grown old keeps all that were ever in it after it from
 * the fast collection of garbage: the pauses were ten times as long. It has no order.
 */
export class Crowd<T extends Member> {
  readonly #members: T[] = []

  get size(): number {
    return this.#members.length
  }

  /** One that is in it already stays. */
  add(member: T): void {
    if (member.place < 0) member.place = this.#members.push(member) - 1
  }

  /** One that is not in it stays away. */
  delete(member: T): void {
    const { place } = member
    if (place < 0) return
    member.place = -1
    const last = this.#members.pop()!
    if (last === member) return
    last.place = place
    this.#members[place] = last
  }

  /** Those who are in it now, whoever comes or goes meanwhile. */
  [Symbol.iterator](): IterableIterator<T> {
    return this.#members.slice().values()
  }
}

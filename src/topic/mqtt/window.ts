/** One message in the order of arrival: released when it and all before it are done. */
export class Place {
  /** Done: it may be released when it is its turn. */
  isDone = false
  /** The one that arrived next. */
  next: Place | undefined
}

/**
 * The messages of one connection that the broker awaits an answer to. Answers must leave in the order of arrival
 * (MQTT-4.6.0-2), whatever the order of completion: those at the head that are done are released together.
 */
export class AckWindow<T extends Place> {
  #head: T | undefined
  #tail: T | undefined
  #length = 0
  readonly #release: (place: T) => void

  /** @param release called for each place when it is its turn. */
  constructor(release: (place: T) => void) {
    this.#release = release
  }

  /** How many are not released. */
  get length(): number {
    return this.#length
  }

  /** The oldest one that is not done. */
  get head(): T | undefined {
    return this.#head
  }

  /** A message has arrived, done already when it needs no handling. */
  push(place: T): void {
    if (this.#tail === undefined) {
      if (place.isDone) {
        this.#release(place)
        return
      }
      this.#head = place
    } else this.#tail.next = place
    this.#tail = place
    this.#length++
  }

  /** One of these is done. */
  complete(place: T): void {
    place.isDone = true
    if (place !== this.#head) return
    let head: T | undefined = place
    while (head?.isDone === true) {
      const next: T | undefined = head.next as T | undefined
      // Whoever keeps an old place would keep all later ones.
      head.next = undefined
      this.#length--
      this.#release(head)
      head = next
    }
    this.#head = head
    if (head === undefined) this.#tail = undefined
  }

  /** Forgets them all: nothing that is completed later is released. @returns them in their order. */
  clear(): T[] {
    const all: T[] = []
    for (let place = this.#head; place !== undefined;) {
      all.push(place)
      const next = place.next as T | undefined
      place.next = undefined
      place = next
    }
    this.#head = this.#tail = undefined
    this.#length = 0
    return all
  }
}

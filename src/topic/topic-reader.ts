const SLASH = 47

/**
 * Takes topics apart in one pass over their characters: where each level begins and ends, and its hash. It keeps the
 * last one, so that whoever asks for the same topic again gets it for nothing. No text is cut out of it.
 */
export class TopicReader {
  readonly starts: Int32Array
  readonly ends: Int32Array
  readonly hashes: Int32Array
  /** How many levels were read: all of them, or one more than `depth`. */
  count = 0
  readonly #depth: number
  #topic: string | undefined

  /** @param depth how many levels matter. Of those below it is only known whether there are any. */
  constructor(depth: number) {
    this.#depth = depth
    this.starts = new Int32Array(depth + 1)
    this.ends = new Int32Array(depth + 1)
    this.hashes = new Int32Array(depth + 1)
  }

  read(topic: string): void {
    if (topic === this.#topic) return
    this.#topic = topic
    const { starts, ends, hashes } = this
    const { length } = topic
    const last = this.#depth
    let level = 0
    let hash = 0
    starts[0] = 0
    for (let at = 0; at < length; at++) {
      const code = topic.charCodeAt(at)
      if (code !== SLASH) {
        hash = ((hash << 5) - hash + code) | 0
        continue
      }
      ends[level] = at
      hashes[level] = hash
      if (level === last) {
        this.count = level + 1
        return
      }
      starts[++level] = at + 1
      hash = 0
    }
    ends[level] = length
    hashes[level] = hash
    this.count = level + 1
  }
}

/** The hash of a level, as the reader makes it: each character, and 31 times what was before. */
export function hashOf(text: string): number {
  let hash = 0
  for (let at = 0; at < text.length; at++) hash = ((hash << 5) - hash + text.charCodeAt(at)) | 0
  return hash
}

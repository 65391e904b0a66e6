/** Turns payloads into values and back. Both ways throw for what they cannot do. */
export interface Codec {
  /** For messages of errors: `json`. */
  readonly name: string
  /**
   * The media types that it is chosen for, in lower case and without parameters; the first is what it publishes as.
   * `text/*` is any text, `+json` any type with that suffix.
   */
  readonly contentTypes: readonly string[]
  encode(value: unknown): Uint8Array | string
  decode(payload: Uint8Array): unknown
}

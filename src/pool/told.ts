/** A task that was told to end. */
export interface Told {
  /** When its worker will be ended for it; set when it was seen to have begun. */
  endsAt: number | undefined
  /** True when the worker said that it heard: its event loop runs. */
  isHeard: boolean
  readonly error: Error
}

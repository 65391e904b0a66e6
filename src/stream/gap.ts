/** Messages of a key that its worker does not get, or may not have got. */
export interface Gap {
  /**
   * `dropped`: there was no room, and the overflow policy threw messages of this key away. `crash`: the worker before
   * this one died, and had handled messages since its last snapshot: what they changed is lost. `poison`: a message of
   * this key was skipped, since worker after worker died of it. `restore`: the state could not be restored. `restart`:
   * the state is that of an earlier run of the program. `moved`: another process had the key before, and
   * its state with it. `lost`: the source could not bring some of the messages.
   */
  readonly reason: 'dropped' | 'crash' | 'poison' | 'restore' | 'restart' | 'moved' | 'lost'
  /** How many messages are missing; undefined when that is not known. */
  readonly count: number | undefined
}

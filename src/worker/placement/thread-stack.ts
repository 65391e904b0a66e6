/** Where the event loop of a thread of this process is right now; undefined when it cannot be found out. */
export function sampleThread(_threadId: number): Promise<string | undefined> {
  return Promise.resolve(undefined)
}

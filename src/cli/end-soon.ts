/** What is still open afterwards belongs to the user's file, and may hold the process for so long. */
const LINGER_MS = 1000

/** Ends the process although something of the user's file, a socket or a timer, would keep it alive. */
export function endSoon(code: number): void {
  setTimeout(() => process.exit(code), LINGER_MS).unref()
}

/**
 * Calls `onUncaught` with every exception that nobody caught, rejections included, in the async context of the
 * code that threw. While it listens, Node does not end the process by itself: the listener must.
 * @returns what takes the handler away again.
 */
export function listenForUncaught(onUncaught: (thrown: unknown) => void): () => void {
  const listener = (thrown: unknown): void => onUncaught(thrown)
  process.on('uncaughtException', listener)
  return () => {
    process.off('uncaughtException', listener)
  }
}

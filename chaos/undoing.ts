/** @returns what takes a fault back, once: when it is called, or when the run is given up. */
export function undoing(signal: AbortSignal, undo: () => void): () => void {
  let undone = false
  const once = (): void => {
    if (undone) return
    undone = true
    signal.removeEventListener('abort', once)
    undo()
  }
  signal.addEventListener('abort', once)
  return once
}

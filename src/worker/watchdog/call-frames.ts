/** A frame as a debugger tells it. Lines and columns count from 0. */
export interface CallFrame {
  readonly functionName: string
  readonly location: {
    readonly scriptId: string
    readonly lineNumber: number
    readonly columnNumber?: number | undefined
  }
}

const MAX_FRAMES = 20

/**
 * Frames in the form of the stack of an Error.
 * @param urls of the scripts, by their id.
 * @returns undefined when none of them is of a user's code or ours.
 */
export function formatStack(
  frames: readonly CallFrame[],
  urls: ReadonlyMap<string, string>,
): string | undefined {
  const urlOf = ({ location }: CallFrame): string => urls.get(location.scriptId) ?? ''
  const isOfNode = (frame: CallFrame): boolean => urlOf(frame).startsWith('node:')
  // How Node came to call that code is the same for all and tells nothing. Some of it has no name, as code has that
  // was made from a text.
  const isNamed = (frame: CallFrame): boolean => urlOf(frame) !== '' && !isOfNode(frame)
  const last = frames.some(isNamed)
    ? frames.findLastIndex(isNamed)
    : frames.findLastIndex((frame) => !isOfNode(frame))
  if (last < 0) return undefined
  return frames
    .slice(0, Math.min(last + 1, MAX_FRAMES))
    .map((frame) => {
      const { lineNumber, columnNumber = 0 } = frame.location
      const place = `${urlOf(frame) || '<anonymous>'}:${lineNumber + 1}:${columnNumber + 1}`
      return frame.functionName === '' ? `    at ${place}` : `    at ${frame.functionName} (${place})`
    })
    .join('\n')
}

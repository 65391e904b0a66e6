import { constants, createContext, Script } from 'node:vm'
import type { Answer, Snippet } from './snippet.ts'

/** The largest result, as characters of JSON. */
const MOST_RESULT = 65_536
const NO_CODE_FROM_TEXT = { codeGeneration: { strings: false, wasm: false } }

/**
 * Runs a snippet among fresh globals: those of the language, and none of Node's. That keeps honest code from
 * accidents, and is no wall: what keeps the others in is the process.
 */
export async function evaluate({ code, input }: Snippet): Promise<Answer> {
  try {
    const context = createContext(constants.DONT_CONTEXTIFY, NO_CODE_FROM_TEXT)
    // As text, so that no object of ours is handed in.
    new Script(
      `globalThis.input = JSON.parse(${JSON.stringify(JSON.stringify(input ?? null))})`,
    ).runInContext(context)
    const value: unknown = await new Script(code, { filename: 'snippet.js' }).runInContext(context)
    const json = value === undefined ? 'null' : (JSON.stringify(value) as string | undefined)
    if (json === undefined) return { status: 'threw', error: 'the result is not JSON' }
    if (json.length > MOST_RESULT)
      return { status: 'threw', error: 'the result is larger than 64 KiB of JSON' }
    return { status: 'done', value: JSON.parse(json) }
  } catch (thrown) {
    return { status: 'threw', error: describe(thrown) }
  }
}

/** Whatever a stranger throws, looking at it may throw as well. */
function describe(thrown: unknown): string {
  try {
    return String(thrown).slice(0, 1000)
  } catch {
    return 'something that cannot be shown was thrown'
  }
}

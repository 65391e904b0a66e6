/** What the grammar of JSON allows next. */
type Expectation = 'value' | 'value or ]' | 'key' | 'key or }' | ':' | ', or ]' | ', or }' | 'end'

export interface JsonError {
  /** Both from 1. */
  readonly line: number
  readonly column: number
  readonly expected: string
  /** What stands there, shortened; empty at the end of the text. */
  readonly found: string
}

const SPACE = /[ \t\n\r]*/y
const TOKEN =
  // oxlint-disable-next-line no-control-regex -- JSON allows no control characters in texts
  /[{}[\],:]|"[^"\\\u0000-\u001F]*(?:\\(?:["\\/bfnrt]|u[\dA-Fa-f]{4})[^"\\\u0000-\u001F]*)*"|(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-])/y
const EXPECTED: Readonly<Record<Expectation, string>> = {
  value: 'a value',
  'value or ]': 'a value or ]',
  key: 'a key in double quotes',
  'key or }': 'a key in double quotes or }',
  ':': ':',
  ', or ]': ', or ]',
  ', or }': ', or }',
  end: 'nothing more',
}

/** Where a text stops being JSON; undefined when it is JSON. `JSON.parse` itself names no position for most errors. */
export function jsonError(text: string): JsonError | undefined {
  const open: ('{' | '[')[] = []
  let expectation: Expectation = 'value'
  let at = 0
  const match = (pattern: RegExp): string => {
    pattern.lastIndex = at
    return pattern.exec(text)?.[0] ?? ''
  }
  for (;;) {
    at += match(SPACE).length
    if (at >= text.length && expectation === 'end') return undefined
    const token = match(TOKEN)
    const next = after(expectation, token, open)
    if (next === undefined) return errorAt(text, at, expectation)
    expectation = next
    at += token.length
  }
}

/** One step of the grammar; undefined when the token is not allowed here. */
function after(expectation: Expectation, token: string, open: ('{' | '[')[]): Expectation | undefined {
  const closed = (): Expectation => {
    const inside = open.at(-1)
    return inside === undefined ? 'end' : inside === '{' ? ', or }' : ', or ]'
  }
  const close = (): Expectation => {
    open.pop()
    return closed()
  }
  switch (expectation) {
    case 'value or ]':
    case 'value':
      if (token === ']' && expectation === 'value or ]') return close()
      if (token === '{' || token === '[') {
        open.push(token)
        return token === '{' ? 'key or }' : 'value or ]'
      }
      return token === '' || /^[}\],:]/.test(token) ? undefined : closed()
    case 'key or }':
    case 'key':
      if (token === '}' && expectation === 'key or }') return close()
      return token.startsWith('"') ? ':' : undefined
    case ':':
      return token === ':' ? 'value' : undefined
    case ', or ]':
      if (token === ']') return close()
      return token === ',' ? 'value' : undefined
    case ', or }':
      if (token === '}') return close()
      return token === ',' ? 'key' : undefined
    case 'end':
      return undefined
  }
}

function errorAt(text: string, at: number, expectation: Expectation): JsonError {
  const lines = text.slice(0, at).split('\n')
  const rest = text.slice(at).split('\n', 1)[0] ?? ''
  const found = rest.length > 20 ? `${rest.slice(0, 20)}...` : rest
  return { line: lines.length, column: lines.at(-1)!.length + 1, expected: EXPECTED[expectation], found }
}

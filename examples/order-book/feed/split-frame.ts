/** A piece of a frame, as text, with the market that it is about. */
export interface FramePart {
  readonly market: string
  readonly text: string
}

/** What a frame is made of. */
export interface SplitFrame {
  readonly parts: readonly FramePart[]
  /** Objects of no market, of types that are of no interest here. */
  readonly skipped: number
  /** Something of it could not be told apart: it may have been about any market. */
  readonly isBroken: boolean
}

const SPACE = /^\s*|\s*$/g
const MARKET = '"market":"'
const MARKET_BYTES = Buffer.from(MARKET)
/** The same, as others write JSON. Quotes within texts are escaped, so this is a name and its value. */
const SPACED_MARKET = /"market"\s*:\s*"([^"\\]*)"/
const TYPES: ReadonlySet<unknown> = new Set(['book', 'price_change', 'last_trade_price', 'tick_size_change'])
const [QUOTE, BACKSLASH, OPEN, CLOSE, OPEN_ARRAY, CLOSE_ARRAY, COMMA] = [34, 92, 123, 125, 91, 93, 44]

/**
 * Takes a frame apart by market, without reading it: whoever owns the market does that. An object whose end is missing
 * comes whole as far as it goes, so that its owner rejects it and knows that something was lost.
 */
export function splitFrame(frame: string): SplitFrame {
  const first = frame.charCodeAt(0)
  const text = first === OPEN || first === OPEN_ARRAY ? frame : frame.replaceAll(SPACE, '')
  if (text.charCodeAt(0) === OPEN_ARRAY) return splitArray(text)
  if (text === '') return { parts: [], skipped: 1, isBroken: false }
  return collect([text], false)
}

/** The market of a frame that is one object, from its bytes; undefined when it is to be found by `splitFrame`. */
export function marketOfOne(frame: Buffer): string | undefined {
  if (frame[0] !== OPEN) return undefined
  const at = frame.indexOf(MARKET_BYTES)
  if (at < 0) return undefined
  const from = at + MARKET_BYTES.length
  const to = frame.indexOf(QUOTE, from)
  return to > from ? frame.toString('utf8', from, to) : undefined
}

function splitArray(text: string): SplitFrame {
  const objects: string[] = []
  let [depth, start, isOpen] = [0, -1, true]
  for (let at = 1; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) {
      at = endOfText(text, at)
      if (at < 0) break
    } else if (code === OPEN || code === OPEN_ARRAY) {
      if (depth++ === 0) start = at
    } else if (code === CLOSE || (code === CLOSE_ARRAY && depth > 0)) {
      if (--depth === 0) objects.push(text.slice(start, at + 1))
    } else if (code === CLOSE_ARRAY) {
      isOpen = text.slice(at + 1).trim() !== ''
      break
    } else if (depth === 0 && code !== COMMA && !isSpace(code)) return collect(objects, true)
  }
  return collect(objects, isOpen || depth !== 0)
}

/** Where the text that begins there ends; -1: nowhere. */
function endOfText(text: string, quote: number): number {
  for (let at = text.indexOf('"', quote + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let escapes = 0
    while (text.charCodeAt(at - 1 - escapes) === BACKSLASH) escapes++
    if (escapes % 2 === 0) return at
  }
  return -1
}

function collect(objects: readonly string[], isBrokenAlready: boolean): SplitFrame {
  const parts: FramePart[] = []
  let [skipped, isBroken] = [0, isBrokenAlready]
  for (const text of objects) {
    const market = marketOf(text)
    if (market !== undefined) parts.push({ market, text })
    else if (isOfNoInterest(text)) skipped++
    else isBroken = true
  }
  return { parts, skipped, isBroken }
}

function marketOf(text: string): string | undefined {
  const at = text.indexOf(MARKET)
  if (at < 0) return SPACED_MARKET.exec(text)?.[1] || undefined
  const from = at + MARKET.length
  const to = text.indexOf('"', from)
  return to > from ? text.slice(from, to) : undefined
}

/** Keep-alives, and what is no event about books. */
function isOfNoInterest(text: string): boolean {
  if (text === 'PING' || text === 'PONG') return true
  try {
    const value: unknown = JSON.parse(text)
    return (
      typeof value === 'object' &&
      value !== null &&
      !Array.isArray(value) &&
      !TYPES.has(Reflect.get(value, 'event_type'))
    )
  } catch {
    return false
  }
}

function isSpace(code: number): boolean {
  return code === 32 || (code >= 9 && code <= 13)
}

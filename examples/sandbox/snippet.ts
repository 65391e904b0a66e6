/** Code of a stranger. */
export interface Snippet {
  /** A script, as a browser would run it. What its last expression gives, awaited, is the result. */
  readonly code: string
  /** JSON; the script finds it as `input`. */
  readonly input?: unknown
}

/** What the script came to. */
export type Answer =
  | { readonly status: 'done'; readonly value: unknown }
  /** It threw, or its result is no JSON or too large. */
  | { readonly status: 'threw'; readonly error: string }

/** What became of a snippet. */
export type Outcome =
  | Answer
  /** It took too long or too much, and its process was killed. */
  | { readonly status: 'killed'; readonly error: string }
  /** It ended its process. */
  | { readonly status: 'exited'; readonly error: string }

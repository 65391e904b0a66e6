import { z } from 'zod'
import { retryAfterMs } from './retry-after.ts'
import type { Place } from './store.ts'

const page = z.object({
  items: z.array(z.looseObject({ id: z.union([z.string(), z.number()]) })),
  /** Where the next page begins; null on the last one. */
  next: z.union([z.string(), z.number().transform(String)]).nullable(),
})

export type Item = z.infer<typeof page>['items'][number]

export interface Page extends z.infer<typeof page> {
  readonly etag: string | undefined
}

/** The API, or the way there, has a bad day: worth another try. */
export class TemporaryError extends Error {
  /** What the API asked for, ms; 0 when it did not. */
  readonly waitMs: number

  constructor(message: string, waitMs = 0) {
    super(message)
    this.waitMs = waitMs
  }
}

/** Too much at once, too early, or a server in trouble. All other refusals would be the same the next time. */
const TEMPORARY = new Set([408, 425, 429])

/**
 * One page of the list: what comes after the cursor. Undefined when nothing has changed since the etag.
 * @throws TemporaryError when trying again can help, the signal's reason when it aborts, Error when neither.
 */
export async function fetchPage(
  url: string,
  { cursor, etag }: Place,
  options: { readonly timeoutMs: number; readonly token: string | undefined; readonly signal: AbortSignal },
): Promise<Page | undefined> {
  const target = new URL(url)
  if (cursor !== undefined) target.searchParams.set('after', cursor)
  const headers = new Headers({ accept: 'application/json' })
  if (etag !== undefined) headers.set('if-none-match', etag)
  if (options.token !== undefined) headers.set('authorization', `Bearer ${options.token}`)
  try {
    // Also over the body, which can hang as well.
    const signal = AbortSignal.any([options.signal, AbortSignal.timeout(options.timeoutMs)])
    const response = await fetch(target, { headers, signal })
    if (response.status === 304) return undefined
    if (response.ok) {
      return { ...page.parse(await response.json()), etag: response.headers.get('etag') ?? undefined }
    }
    await response.body?.cancel()
    const message = `${target.origin} answered ${response.status} ${response.statusText}`
    if (response.status < 500 && !TEMPORARY.has(response.status)) throw new RefusedError(message)
    throw new TemporaryError(message, retryAfterMs(response.headers.get('retry-after'), Date.now()))
  } catch (error) {
    if (options.signal.aborted || error instanceof RefusedError || error instanceof TemporaryError)
      throw error
    throw new TemporaryError(explain(error as Error))
  }
}

/** Another try would end the same: a wrong address, a token that is not valid. */
export class RefusedError extends Error {}

/** fetch says "fetch failed" and keeps the reason in its cause. */
function explain({ message, cause }: Error): string {
  return cause instanceof Error ? `${message}: ${cause.message}` : message
}

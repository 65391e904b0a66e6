import { Webhooks } from '@octokit/webhooks'
import { Hono, type Context } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { HTTPException } from 'hono/http-exception'
import { timeout } from 'hono/timeout'
import type { Logger } from 'millhand'
import { z } from 'zod'
import type { Queues } from '../queues.ts'
import { EVENTS, isKnownEvent } from './payloads.ts'
import type { Tally } from './tally.ts'

/** GitHub sends no larger body. */
const MAX_BODY_BYTES = 25 * 1024 * 1024
/** GitHub gives up after 10 s; by then it must have an answer, so that it can show one. */
const ANSWER_WITHIN_MS = 9_000

/** What is answered to a delivery that was taken in or passed over. */
export interface Receipt {
  readonly status: 'accepted' | 'duplicate' | 'ignored'
  readonly id: string
}

export interface ReceiverParts {
  readonly deliveries: Queues['deliveries']
  /** Shared with GitHub, who signs with it. */
  readonly secret: string
  readonly tally: Tally
  readonly logger: Logger
}

/**
 * Takes deliveries in, and does nothing else: what is answered with `accepted` is in the store, and the rest is
 * for the workers. The queue drops a delivery that it has seen, by its id.
 */
export function receiver({ deliveries, secret, tally, logger }: ReceiverParts): Hono {
  const webhooks = new Webhooks({ secret })
  const app = new Hono()

  app.post(
    '/webhooks',
    timeout(ANSWER_WITHIN_MS, () => refusal(503, 'it could not be stored in time; deliver it again')),
    async (context, next) => {
      signatureOf(context)
      await next()
    },
    bodyLimit({
      maxSize: MAX_BODY_BYTES,
      onError: () => {
        throw refusal(413, `expected a body of at most ${MAX_BODY_BYTES} bytes, GitHub's own limit`)
      },
    }),
    async (context) => {
      const id = deliveryId(context)
      const name = header(context, 'X-GitHub-Event')
      const body = await context.req.text()
      if (body === '' || !(await webhooks.verify(body, signatureOf(context)))) {
        throw refusal(
          401,
          'expected X-Hub-Signature-256 to match body and secret; is WEBHOOK_SECRET the same?',
        )
      }
      const receipt = await take(deliveries, id, name, json(body))
      tally.count(receipt.status)
      return context.json(receipt, 202)
    },
  )

  app.onError((error, context) => {
    const known = error instanceof HTTPException ? error : undefined
    tally.count('refused')
    if (known === undefined) logger.error({ err: error }, 'a delivery could not be stored')
    else logger.warn({ status: known.status, reason: known.message }, 'a delivery was refused')
    const reason = known?.message ?? 'it could not be stored; deliver it again'
    return context.json({ error: reason }, known?.status ?? 503)
  })
  return app
}

/** Stores the delivery if it matters, with the few fields that matter. */
async function take(
  deliveries: Queues['deliveries'],
  id: string,
  name: string,
  payload: unknown,
): Promise<Receipt> {
  if (!isKnownEvent(name)) return { status: 'ignored', id }
  const parsed = EVENTS[name].safeParse(payload)
  if (!parsed.success) {
    throw refusal(400, `expected the payload of a ${name} event: ${z.prettifyError(parsed.error)}`)
  }
  // A tag moves no branch, so no pull request.
  if ('ref' in parsed.data && !parsed.data.ref.startsWith('refs/heads/')) return { status: 'ignored', id }
  const { status } = await deliveries.add(name, parsed.data, { id })
  return { status: status === 'added' ? 'accepted' : status, id }
}

function header(context: Context, name: string): string {
  const value = context.req.header(name)
  if (value === undefined || value === '') throw refusal(400, `expected the header ${name}; is this GitHub?`)
  return value
}

function deliveryId(context: Context): string {
  const id = header(context, 'X-GitHub-Delivery')
  if (!/^[\w-]{1,100}$/.test(id)) throw refusal(400, 'expected X-GitHub-Delivery to be a GUID')
  return id
}

/** Looked at before the body is read: who does not sign is not listened to. */
function signatureOf(context: Context): string {
  const signature = context.req.header('X-Hub-Signature-256')
  if (signature !== undefined && signature !== '') return signature
  if (context.req.header('X-Hub-Signature') !== undefined) {
    throw refusal(401, 'expected X-Hub-Signature-256; a SHA-1 signature alone is not trusted any more')
  }
  throw refusal(
    401,
    'expected X-Hub-Signature-256; set a secret for the webhook on GitHub, and WEBHOOK_SECRET here',
  )
}

function json(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    throw refusal(
      400,
      'expected the body to be JSON; set the content type of the webhook to application/json',
    )
  }
}

function refusal(status: 400 | 401 | 413 | 503, message: string): HTTPException {
  return new HTTPException(status, { message })
}

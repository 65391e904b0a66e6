import { Webhooks } from '@octokit/webhooks'
import type { Receipt } from '../webhooks/receiver.ts'
import type { Delivery } from './examples.ts'

/** What a delivery was answered with. `refused`: it is not in the store, and nobody said that it was. */
export interface Answer {
  readonly id: string
  readonly status: Receipt['status'] | 'refused'
  /** Why it was refused. */
  readonly reason?: string
}

export interface DeliverOptions {
  readonly url: string
  readonly secret: string
  /** How many are on their way at once. */
  readonly concurrency: number
  /** Ends the sending. */
  readonly signal: AbortSignal
  readonly onAnswer: (answer: Answer) => void
}

/** Sends deliveries to a receiver over HTTP, signed, and tells of each answer. */
export async function deliver(deliveries: readonly Delivery[], options: DeliverOptions): Promise<void> {
  const { secret, concurrency, signal, onAnswer } = options
  const webhooks = new Webhooks({ secret })
  const remaining = deliveries.values()
  const sendFromThem = async (): Promise<void> => {
    for (const delivery of remaining) {
      if (signal.aborted) return
      onAnswer(await post(delivery, await webhooks.sign(delivery.body), options))
    }
  }
  await Promise.all(Array.from({ length: concurrency }, sendFromThem))
}

async function post(
  { id, event, body }: Delivery,
  signature: string,
  { url }: DeliverOptions,
): Promise<Answer> {
  try {
    const response = await fetch(`${url}/webhooks`, {
      method: 'POST',
      body,
      headers: {
        'content-type': 'application/json',
        'x-github-delivery': id,
        'x-github-event': event,
        'x-hub-signature-256': signature,
      },
    })
    if (response.ok) return { id, status: ((await response.json()) as Receipt).status }
    return { id, status: 'refused', reason: `${response.status}: ${await response.text()}` }
  } catch (error) {
    const { message, cause } = error as Error
    return { id, status: 'refused', reason: cause instanceof Error ? cause.message : message }
  }
}

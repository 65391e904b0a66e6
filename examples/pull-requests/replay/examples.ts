import { createHash } from 'node:crypto'
import { createRequire } from 'node:module'

/** One webhook, as GitHub sends it. */
export interface Delivery {
  /** A GUID, which GitHub keeps when it delivers again. */
  readonly id: string
  readonly event: string
  readonly body: string
}

/** Every example payload of @octokit/webhooks-examples. Each has the same id in every run. */
export function exampleDeliveries(): Delivery[] {
  const require = createRequire(import.meta.url)
  const events = require('@octokit/webhooks-examples') as { name: string; examples: object[] }[]
  return events.flatMap(({ name, examples }) =>
    examples.map((example, index) => ({
      id: guid(`${name} ${index}`),
      event: name,
      body: JSON.stringify(example),
    })),
  )
}

function guid(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
    '-',
  )
}

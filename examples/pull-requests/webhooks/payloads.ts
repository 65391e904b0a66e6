/**
 * The events that matter here, each with the fields of GitHub's payload that are used and no others. What
 * is parsed with these schemas is small and plain, and is what the job of a delivery carries.
 */
import { z } from 'zod'

const repository = z.object({ id: z.int(), full_name: z.string() })

/** How a pull request is named in the payload of something else. */
const reference = z.object({
  id: z.int(),
  number: z.int(),
  head: z.object({ sha: z.string() }),
  base: z.object({ repo: z.object({ id: z.int() }) }),
})
export type PullReference = z.infer<typeof reference>

const pullRequestEvent = z.object({
  action: z.string(),
  repository,
  pull_request: z.object({
    id: z.int(),
    number: z.int(),
    title: z.string(),
    state: z.enum(['open', 'closed']),
    draft: z.boolean().default(false),
    merged: z.boolean().nullish(),
    user: z.object({ login: z.string() }).nullable(),
    head: z.object({ sha: z.string() }),
    changed_files: z.int(),
    additions: z.int(),
    deletions: z.int(),
    updated_at: z.string(),
  }),
})
export type PullRequestEvent = z.infer<typeof pullRequestEvent>

const checkRunEvent = z.object({
  action: z.string(),
  repository,
  check_run: z.object({
    id: z.int(),
    name: z.string(),
    head_sha: z.string(),
    conclusion: z.string().nullable(),
    output: z.object({
      title: z.string().nullish(),
      summary: z.string().nullish(),
      text: z.string().nullish(),
    }),
    pull_requests: z.array(reference).default([]),
  }),
})
export type CheckRunEvent = z.infer<typeof checkRunEvent>

const checkSuiteEvent = z.object({
  action: z.string(),
  repository,
  check_suite: z.object({
    id: z.int(),
    head_sha: z.string(),
    conclusion: z.string().nullable(),
    pull_requests: z.array(reference).default([]),
  }),
})

/** Somebody reviewed, or said something about it. */
const reviewEvent = z.object({ action: z.string(), repository, pull_request: reference })
export type ReviewEvent = z.infer<typeof reviewEvent>

const pushEvent = z.object({ ref: z.string(), deleted: z.boolean().default(false), repository })

/** The events by the name in their X-GitHub-Event header. Deliveries of any other are ignored. */
export const EVENTS = {
  pull_request: pullRequestEvent,
  pull_request_review: reviewEvent,
  pull_request_review_comment: reviewEvent,
  pull_request_review_thread: reviewEvent,
  check_run: checkRunEvent,
  check_suite: checkSuiteEvent,
  push: pushEvent,
}
export type EventName = keyof typeof EVENTS

/** True for an event that this service acts on. */
export function isKnownEvent(name: string): name is EventName {
  return Object.hasOwn(EVENTS, name)
}

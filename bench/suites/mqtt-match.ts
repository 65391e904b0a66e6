import type { Case } from '../case.ts'
import { matchAll, type Matcher } from '../loads/mqtt/match.ts'
import { Router } from '../millhand.ts'
import { regexScan } from '../peers/regex-router.ts'

const TOPICS = { full: 100_000, quick: 10_000, 'warm-up': 20_000 }

const millhand: Matcher = (filters) => {
  const router = new Router()
  for (const filter of filters) router.on(filter, () => {})
  const dispatcher = router.dispatcher()
  return (topic) => dispatcher.match(topic)
}

/** Which route a topic belongs to; no broker takes part. */
export const matchCases: readonly Case[] = [
  {
    name: 'match',
    about:
      'The route and parameters of 100,000 topics, no two the same, out of 1,000 routes of two parameters and four fixed levels; against a scan of regular expressions.',
    unit: 'messages/s',
    better: 'higher',
    jobs: TOPICS,
    rounds: 3,
    millhand: matchAll(millhand, 1_000),
    peers: { 'regex scan': matchAll(regexScan, 1_000) },
  },
  {
    name: 'match-growth',
    about: 'The same topics among 10,000 routes, against 10.',
    unit: 'messages/s',
    better: 'higher',
    jobs: TOPICS,
    label: '10,000 routes',
    millhand: matchAll(millhand, 10_000),
    peers: { '10 routes': matchAll(millhand, 10) },
  },
]

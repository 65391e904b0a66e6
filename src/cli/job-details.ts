import type { JobError } from '../queue/job.ts'
import type { StoredJob } from '../queue/stored-job.ts'
import { jsonText } from './json.ts'
import { firstLine, printable } from './printable.ts'

/** Everything that is known of a job, for people. */
export function jobDetails(job: StoredJob): string {
  const facts: [name: string, value: string | null][] = [
    ['id', job.id],
    ['type', job.type],
    ['state', job.state],
    ['queue', job.queue],
    ['seq', String(job.seq)],
    ['priority', String(job.priority)],
    ['added', time(job.createdAt)],
    ['runs at', time(job.runAt)],
    ['expires', time(job.expiresAt)],
    ['finished', time(job.finishedAt)],
    ['kept until', time(job.keepUntil)],
    ['failed', attempts(job)],
    ['crashed', job.crashes === 0 ? null : String(job.crashes)],
    ['owner', job.owner],
    ['held since', time(job.heldSince)],
    ['tags', job.tags.length === 0 ? null : job.tags.join(', ')],
    ...Object.entries(job.headers).map(([name, value]): [string, string] => [`header ${name}`, value]),
  ]
  const known = facts.filter((fact): fact is [string, string] => fact[1] !== null)
  const width = Math.max(...known.map(([name]) => printable(name).length))
  const lines = known.map(([name, value]) => `${printable(name).padEnd(width)}  ${printable(value)}`)
  // What is kept for its id alone has no payload any more.
  if (job.codec !== 'none') lines.push('', 'payload', indented(jsonText(job.payload, 2)))
  if (job.result !== null) lines.push('', 'result', indented(jsonText(job.result, 2)))
  if (job.progress !== null) lines.push('', 'progress', indented(jsonText(job.progress, 2)))
  if (job.error !== null) lines.push('', 'last error', indented(errorText(job.error)))
  if (job.history.length > 0) {
    const entries = job.history.map(({ at, event, error }) =>
      `${time(at)}  ${event.padEnd(6)}  ${error === null ? '' : firstLine(error.message)}`.trimEnd(),
    )
    lines.push('', 'history', indented(entries.join('\n')))
  }
  return lines.join('\n')
}

function time(ms: number | null): string | null {
  if (ms === null) return null
  const date = new Date(ms)
  return Number.isFinite(date.getTime()) ? date.toISOString() : `${ms} ms`
}

function attempts({ attempt, maxRetries }: StoredJob): string | null {
  if (attempt === 0 && maxRetries === null) return null
  return maxRetries === null
    ? String(attempt)
    : `${attempt}, to be tried again ${maxRetries} times at the most`
}

function errorText({ name, message, code, stack }: JobError): string {
  const head = code === null ? `${name}: ${message}` : `${name} [${code}]: ${message}`
  const frames = (stack ?? '').split('\n').filter((line) => /^\s+at /.test(line))
  return [head, ...frames].join('\n')
}

function indented(text: string): string {
  return text
    .split('\n')
    .map((line) => `  ${printable(line)}`)
    .join('\n')
}

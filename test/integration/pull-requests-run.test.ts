import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { deliver, type Answer } from '../../examples/pull-requests/replay/deliver.ts'
import { exampleDeliveries } from '../../examples/pull-requests/replay/examples.ts'
import type { Report } from '../../examples/pull-requests/replay/report.ts'
import { workplace } from '../fixtures/pull-requests/app.ts'
import { expectedTotals } from '../fixtures/pull-requests/expected.ts'
import { until } from '../fixtures/until.ts'

const expected = expectedTotals()

let place: ReturnType<typeof workplace>
beforeEach(() => (place = workplace()))
afterEach(() => place.clean())

/** The one line that `--once --json` prints, with the exit code. */
async function replayOnce(...args: string[]) {
  const run = place.start(['--once', '--json', ...args])
  const code = await run.ended
  const lines = run.out().trimEnd().split('\n')
  expect(lines, run.log()).toHaveLength(1)
  return { code, report: JSON.parse(lines[0]!) as Report }
}

describe('a replay of every example payload', () => {
  test('ends with nothing lost; the second time it is all duplicates, and still nothing is lost', async () => {
    const first = await replayOnce()
    expect(first.report).toEqual({ ...expected, done: expected.accepted, dead: 0, lost: 0 })
    expect(first.code).toBe(0)

    const second = await replayOnce()
    const duplicates = expected.accepted + expected.duplicates
    expect(second.report).toEqual({ ...first.report, accepted: 0, duplicates })
    expect(second.code).toBe(0)
  })

  test('prints a summary for people, and leaves the two databases where it was told', async () => {
    const run = place.start(['--once', '--db', 'somewhere/jobs.db'])
    expect(await run.ended).toBe(0)
    expect(run.out()).toMatch(new RegExp(`received +${expected.received}`))
    expect(run.out()).toMatch(new RegExp(`duplicates +${expected.duplicates}`))
    expect(run.out()).toMatch(/lost +0/)
    expect(run.out()).toMatch(/pull requests +2\b/)
  })
})

describe('a process that is killed', () => {
  test('with -9 in the middle of the work loses nothing that it had answered for', async () => {
    const secret = 'shared'
    const first = place.start(['--no-replay', '--port', '0'], { WEBHOOK_SECRET: secret })
    const answers: Answer[] = []
    await deliver(exampleDeliveries(), {
      url: await first.url(),
      secret,
      concurrency: 4,
      signal: AbortSignal.timeout(30_000),
      onAnswer: (answer) => {
        answers.push(answer)
        if (answers.filter(({ status }) => status === 'accepted').length === 25) first.child.kill('SIGKILL')
      },
    })
    expect(await first.ended).toBe('SIGKILL')
    const answered = answers.filter(({ status }) => status === 'accepted').length
    expect(answered).toBeLessThan(expected.accepted)

    const { code, report } = await replayOnce()
    expect(report).toMatchObject({ received: expected.received, ignored: expected.ignored })
    expect(report).toMatchObject({ done: expected.accepted, dead: 0, lost: 0 })
    // What was stored while its answer was under way is a duplicate too.
    expect(report.accepted).toBeLessThanOrEqual(expected.accepted - answered)
    expect(report.accepted + report.duplicates).toBe(expected.accepted + expected.duplicates)
    expect(code).toBe(0)
  })

  test('by SIGTERM in the middle of a replay hands its work back, for the next run to finish', async () => {
    const first = place.start(['--port', '0'])
    const url = await first.url()
    await until(async () => {
      const { deliveries } = (await (await fetch(`${url}/health`)).json()) as {
        deliveries: { accepted: number }
      }
      return deliveries.accepted > 0
    })
    first.child.kill('SIGTERM')
    expect(await first.ended).toBe(0)

    const { report } = await replayOnce()
    expect(report).toMatchObject({ done: expected.accepted, dead: 0, lost: 0 })
  })
})

describe('a service that goes on serving', () => {
  test('answers questions about pull requests, and ends with 0 at SIGTERM', async () => {
    const run = place.start(['--port', '0', '--json'])
    const url = await run.url()
    await until(() => run.out().includes('"lost":0'), { timeout: '30s', what: 'the replay to end' })

    const list = (await (await fetch(`${url}/pulls`)).json()) as { pulls: { id: number }[] }
    expect(list).toMatchObject({
      next: null,
      pulls: [
        { repository: 'Codertocat/Hello-World', number: 2, state: 'open' },
        // Known by a review of it alone, whose payload has no size.
        { repository: 'octo-org/octo-repo', number: 118, complexity: null },
      ],
    })

    const [{ id }, { id: last }] = list.pulls as [{ id: number }, { id: number }]
    const pull = await (await fetch(`${url}/pulls/${id}`)).json()
    // One file, one line added, one deleted.
    expect(pull).toMatchObject({ id, changedFiles: 1, changedLines: 2, complexity: expect.closeTo(0.302, 9) })
    expect(pull).toMatchObject({
      analyses: [{ category: 'style' }],
      fixes: [{ strategy: 'run-formatter', outcome: 'noted' }],
    })

    expect((await fetch(`${url}/pulls/1`)).status).toBe(404)
    expect((await fetch(`${url}/pulls/two`)).status).toBe(400)
    expect((await fetch(`${url}/pulls?after=two`)).status).toBe(400)
    expect(await (await fetch(`${url}/pulls?after=${last}`)).json()).toEqual({ pulls: [], next: null })

    const health = await fetch(`${url}/health`)
    expect(health.status).toBe(200)
    expect(await health.json()).toMatchObject({
      healthy: true,
      problems: [],
      deliveries: { accepted: expected.accepted, ignored: expected.ignored, refused: 0 },
    })

    run.child.kill('SIGTERM')
    expect(await run.ended).toBe(0)
  })
})

describe('a mistake of the user', () => {
  test('a port that is taken is named, with the way out', async () => {
    const blocker = createServer().listen(0, '127.0.0.1')
    await once(blocker, 'listening')
    const { port } = blocker.address() as AddressInfo
    const run = place.start(['--port', String(port)])
    expect(await run.ended).toBe(1)
    expect(run.log()).toBe(
      `error: port ${port} of 127.0.0.1 is taken; choose another with --port, or any free one with --port 0\n`,
    )
    blocker.close()
  })

  test('a port that is none is refused', async () => {
    const run = place.start(['--port', '70000'])
    expect(await run.ended).toBe(1)
    expect(run.log()).toContain('expected a number from 0 to 65535')
  })

  test('nothing to end with is refused', async () => {
    const run = place.start(['--once', '--no-replay'])
    expect(await run.ended).toBe(1)
    expect(run.log()).toBe('error: --once ends with the replay, and --no-replay leaves it out\n')
  })

  test.each([
    ['the jobs', 'jobs.db'],
    ['the results', 'jobs-results.db'],
  ])('a file that is no database is named and left alone, be it that of %s', async (_, name) => {
    const file = join(place.folder, name)
    const text = 'Not a database at all, but long enough to look.\n'.repeat(50)
    writeFileSync(file, text)
    const run = place.start(['--db', 'jobs.db'])
    expect(await run.ended).toBe(1)
    expect(run.log()).toMatch(new RegExp(`^error: .*${name}`))
    expect(run.log()).not.toContain('    at ')
    expect(readFileSync(file, 'utf8')).toBe(text)
  })

  test('a folder that cannot be made is named', async () => {
    writeFileSync(join(place.folder, 'file'), '')
    const run = place.start(['--db', 'file/jobs.db'])
    expect(await run.ended).toBe(1)
    expect(run.log()).toMatch(/^error: .*file\/jobs.*--db\n$/)
  })
})

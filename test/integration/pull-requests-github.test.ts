/**
 * GitHub cannot be reached from a test, so Octokit is a mock here: it answers as GitHub's documentation says, and
 * notes what it was asked.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { NonRetryableError } from 'millhand'
import { Octokit } from 'octokit'
import { describe, expect, test } from 'vitest'
import { chooseGitHub } from '../../examples/pull-requests/github/choose.ts'
import { OctokitGitHub, type OctokitClient } from '../../examples/pull-requests/github/octokit-github.ts'
import { PayloadGitHub } from '../../examples/pull-requests/github/payload-github.ts'
import type { Pull, Repository } from '../../examples/pull-requests/model.ts'
import { openDatabase } from '../../examples/pull-requests/storage/database.ts'
import { Knowledge } from '../../examples/pull-requests/storage/knowledge.ts'

const engine: Repository = { id: 1, fullName: 'ada/engine' }
const { signal } = new AbortController()
const place = { owner: 'ada', repo: 'engine', request: { signal } }

const listed = { id: 107, number: 7, head: { sha: 'abc' } }
const full = {
  ...listed,
  title: 'Analytical',
  user: null,
  state: 'open',
  draft: true,
  merged: false,
  changed_files: 3,
  additions: 20,
  deletions: 5,
  updated_at: '2026-01-01T00:00:00Z',
}
const pull: Pull = { id: 107, repositoryId: 1, number: 7, headSha: 'abc', details: null }

/** Answers by route; an Error is thrown. */
function mock(answers: Record<string, unknown>) {
  const asked: [route: string, parameters: Record<string, unknown>][] = []
  const answer = (route: string, parameters: Record<string, unknown>): unknown => {
    asked.push([route, parameters])
    if (answers[route] instanceof Error) throw answers[route]
    return answers[route]
  }
  const client: OctokitClient = {
    request: async (route, parameters) => ({ data: answer(route, parameters) }),
    paginate: async (route, parameters) => answer(route, parameters) as unknown[],
  }
  return { asked, github: new OctokitGitHub(client, { propose: true }) }
}

const failing = (status: number) => Object.assign(new Error(`HTTP ${status}`), { status })

describe('GitHub through Octokit', () => {
  test('lists open pull requests, which come without details', async () => {
    const { github, asked } = mock({ 'GET /repos/{owner}/{repo}/pulls': [listed] })
    expect(await github.openPulls(engine, signal)).toEqual([pull])
    expect(asked).toEqual([['GET /repos/{owner}/{repo}/pulls', { ...place, state: 'open', per_page: 100 }]])
  })

  test('gets one pull request with its details', async () => {
    const { github } = mock({ 'GET /repos/{owner}/{repo}/pulls/{number}': full })
    expect(await github.pull(engine, 7, signal)).toEqual({
      ...pull,
      details: {
        title: 'Analytical',
        author: 'ghost',
        state: 'open',
        draft: true,
        merged: false,
        changedFiles: 3,
        changedLines: 25,
        updatedAt: '2026-01-01T00:00:00Z',
      },
    })
  })

  test('finds the checks that failed, with what they reported', async () => {
    const run = { name: 'lint', head_sha: 'abc', output: { title: 'No', summary: null, text: 'line 1' } }
    const { github } = mock({
      'GET /repos/{owner}/{repo}/commits/{sha}/check-runs': [
        { ...run, id: 71, conclusion: 'failure' },
        { ...run, id: 72, conclusion: 'success' },
        { ...run, id: 73, conclusion: null },
      ],
    })
    expect(await github.failedChecks(engine, 'abc', signal)).toEqual([
      { id: 71, repositoryId: 1, headSha: 'abc', name: 'lint', conclusion: 'failure', log: 'No\nline 1' },
    ])
  })

  test('comments a fix once, however often it is asked to', async () => {
    const comments: { body: string }[] = [{ body: 'Nice.' }]
    const route = '/repos/{owner}/{repo}/issues/{number}/comments'
    const { github, asked } = mock({ [`GET ${route}`]: comments, [`POST ${route}`]: {} })
    const fix = { id: '71:107', strategy: 'run-formatter', content: 'Run it.' }
    await github.propose(engine, pull, fix, signal)
    const posted = asked.at(-1)!
    expect(posted).toEqual([
      `POST ${route}`,
      { ...place, number: 7, body: '<!-- millhand fix 71:107 -->\nRun it.' },
    ])
    comments.push({ body: String(posted[1]['body']) })
    await github.propose(engine, pull, fix, signal)
    expect(asked.filter(([asking]) => asking.startsWith('POST'))).toHaveLength(1)
  })

  test('has nothing where GitHub has nothing', async () => {
    const { github } = mock({ 'GET /repos/{owner}/{repo}/pulls/{number}': failing(404) })
    expect(await github.pull(engine, 7, signal)).toBeUndefined()
  })

  test('gives up at once when the token is refused, and passes on what may pass', async () => {
    const route = 'GET /repos/{owner}/{repo}/pulls/{number}'
    await expect(mock({ [route]: failing(401) }).github.pull(engine, 7, signal)).rejects.toThrow(
      NonRetryableError,
    )
    await expect(mock({ [route]: failing(502) }).github.pull(engine, 7, signal)).rejects.toThrow('HTTP 502')
  })

  test('asks in a way that the real Octokit turns into the right requests', async () => {
    const urls: string[] = []
    const server = createServer((request, response) => {
      urls.push(`${request.method} ${request.url}`)
      const runs = [{ id: 71, name: 'lint', head_sha: 'abc', conclusion: 'failure', output: {} }]
      const answer = request.url?.includes('check-runs') ? { total_count: 1, check_runs: runs } : full
      response.setHeader('content-type', 'application/json').end(JSON.stringify(answer))
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = server.address() as AddressInfo
    const octokit = new Octokit({ auth: 'token', baseUrl: `http://127.0.0.1:${port}` })
    const github = new OctokitGitHub(octokit, { propose: false })

    expect(await github.pull(engine, 7, signal)).toMatchObject({ id: 107, details: { changedLines: 25 } })
    expect(await github.failedChecks(engine, 'abc', signal)).toMatchObject([{ id: 71 }])
    expect(urls).toEqual([
      'GET /repos/ada/engine/pulls/7',
      'GET /repos/ada/engine/commits/abc/check-runs?filter=latest&status=completed&per_page=100',
    ])
    server.close()
  })
})

describe('which GitHub is asked', () => {
  test('is the payloads without a token, and GitHub with one', async () => {
    const database = openDatabase(':memory:')
    const knowledge = new Knowledge(database)
    const options = { propose: false }
    expect(await chooseGitHub(undefined, knowledge, options)).toBeInstanceOf(PayloadGitHub)
    expect(await chooseGitHub('', knowledge, options)).toBeInstanceOf(PayloadGitHub)
    const github = await chooseGitHub('token', knowledge, options)
    expect(github).toBeInstanceOf(OctokitGitHub)
    // While strangers' payloads are replayed, nothing may be written to their pull requests.
    expect(github.canPropose).toBe(false)
    database.close()
  })
})

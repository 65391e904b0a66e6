import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { Queue, silentLogger } from 'millhand'
import { sqlite } from 'millhand/sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { main } from '../../src/cli/main.ts'

let folder: string
let file: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millhand-cli-'))
  file = join(folder, 'jobs.db')
})
afterEach(() => rm(folder, { recursive: true }))

class Text extends Writable {
  text = ''
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString()
    done()
  }
}

/** Calls the command on the store of this test. */
async function call(
  argv: readonly string[],
  input = '',
  env: Record<string, string> = { MILLHAND_BACKEND: file },
) {
  const [stdout, stderr] = [new Text(), new Text()]
  const code = await main(argv, { stdin: Readable.from([Buffer.from(input)]), stdout, stderr, env })
  return {
    code,
    out: stdout.text,
    err: stderr.text,
    lines: stdout.text.trimEnd().split('\n'),
    json: () => JSON.parse(stdout.text) as unknown,
  }
}

/** A queue on the same file, to prepare and to look. */
async function withQueue(name: string, use: (queue: Queue) => Promise<unknown>): Promise<void> {
  const queue = new Queue(name, { backend: sqlite(file), retry: { maxRetries: 0 } })
  try {
    await use(queue)
  } finally {
    await queue.close()
  }
}

/** Adds jobs of two types and lets them fail for good. */
async function bury(...ids: readonly string[]): Promise<void> {
  await withQueue('mail', async (queue) => {
    for (const id of ids)
      await queue.add(id.startsWith('late') ? 'late' : 'welcome', { id }, { id, tags: ['eu'] })
    const handlers = {
      welcome: () => {
        throw new TypeError('no such address\nsecond line')
      },
      late: () => {
        throw Object.assign(new Error('took too long'), { code: 'ETIMEDOUT' })
      },
    }
    await queue.worker(handlers, { logger: silentLogger }).drainOnce()
  })
}

describe('queue add', () => {
  test('stores the job with all its options', async () => {
    const argv = [
      'queue',
      'add',
      'mail',
      'welcome',
      '{"to":"ada"}',
      '--id',
      'one',
      '--priority',
      '9',
      '--json',
    ]
    const options = ['--tag', 'eu', '--tag', 'vip', '--max-retries', '2', '--delay', '1h']
    expect((await call([...argv, ...options])).json()).toEqual({ id: 'one', status: 'added' })
    await withQueue('mail', async (queue) => {
      expect(await queue.get('one')).toMatchObject({
        type: 'welcome',
        payload: { to: 'ada' },
        priority: 9,
        tags: ['eu', 'vip'],
        maxRetries: 2,
        state: 'delayed',
      })
    })
  })

  test('reads the payload from standard input for -', async () => {
    await call(
      ['queue', 'add', 'mail', 'welcome', '-', '--id', 'one', '--run-at', '2100-01-01T00:00Z'],
      '{"n":\n1}\n',
    )
    const shown = (await call(['queue', 'show', 'mail', 'one', '--json'])).json()
    expect(shown).toMatchObject({ payload: { n: 1 }, runAt: Date.UTC(2100, 0, 1), state: 'delayed' })
  })

  test('says that a job is known already, which is no failure', async () => {
    await call(['queue', 'add', 'mail', 'welcome', '--id', 'one'])
    const again = await call(['queue', 'add', 'mail', 'welcome', '2', '--id', 'one'])
    expect(again).toMatchObject({ code: 0, out: 'mail knew one already and left it as it is\n' })
    expect((await call(['queue', 'show', 'mail', 'one', '--json'])).json()).toMatchObject({ payload: null })
  })

  test.each([
    [['welcome', '{"to":'], 'line 1, column 7 expected a value, got: its end'],
    [['welcome', '--priority', '1001'], 'priority to be an integer from 0 to 1000'],
    [['welcome', '--priority', '-1'], '--priority'],
    [['welcome', '--delay', 'soon'], '--delay'],
    [['welcome', '--delay', '1s', '--run-at', '2100-01-01'], 'cannot be used with'],
    [['welcome', '--pririty', '1'], 'Did you mean --priority?'],
    [['', '1'], 'type'],
    [[], "missing required argument 'type'"],
  ])('of %j is wrong usage, and makes no store', async (argv, message) => {
    const { code, out, err } = await call(['queue', 'add', 'mail', ...argv])
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toContain(message)
    expect(err).not.toMatch(/^\s+at /m)
    expect(existsSync(file)).toBe(false)
  })

  test('of a queue whose name is odd is wrong usage', async () => {
    expect(await call(['queue', 'add', 'my mail/../x', 'welcome'])).toMatchObject({ code: 2, out: '' })
  })
})

describe('queue jobs', () => {
  test('filters by state, type and tag, and tells people how to go on', async () => {
    for (const n of [1, 2, 3])
      await call(['queue', 'add', 'mail', 'welcome', String(n), '--id', `w${n}`, '--tag', 'eu'])
    await call(['queue', 'add', 'mail', 'digest', '4', '--id', 'd4', '--delay', '1h'])
    const ids = async (...argv: string[]) => {
      const { json } = await call(['queue', 'jobs', 'mail', '--json', ...argv])
      return (json() as { id: string }[]).map(({ id }) => id)
    }
    expect(await ids()).toEqual(['w1', 'w2', 'w3', 'd4'])
    expect(await ids('--state', 'delayed,dead')).toEqual(['d4'])
    expect(await ids('--type', 'welcome', '--tag', 'eu', '--limit', '2')).toEqual(['w1', 'w2'])
    expect(await ids('--tag', 'us')).toEqual([])

    const page = await call(['queue', 'jobs', 'mail', '--limit', '2'])
    expect(page.lines[0]).toMatch(/^SEQ +ID +TYPE +STATE/)
    expect(page.lines).toHaveLength(3)
    const after = /--after (\d+)/.exec(page.err)?.[1]
    expect(await ids('--after', after!)).toEqual(['w3', 'd4'])
  })

  test('writes a thousand and more as one line of JSON, or one table', async () => {
    await withQueue('mail', (queue) =>
      queue.addMany(Array.from({ length: 1203 }, (_, n) => ({ type: 'welcome', payload: n }))),
    )
    const { json, lines } = await call(['queue', 'jobs', 'mail', '--limit', '5000', '--json'])
    expect(lines).toHaveLength(1)
    expect((json() as { payload: number }[]).map(({ payload }) => payload)).toEqual([...Array(1203).keys()])
    expect((await call(['queue', 'jobs', 'mail', '--limit', '5000'])).lines).toHaveLength(1204)
  })
})

describe('queue stats, pause, resume and cancel', () => {
  test('count every queue, or one', async () => {
    await call(['queue', 'add', 'mail', 'welcome'])
    await call(['queue', 'add', 'sync', 'users', '--delay', '1h'])
    expect((await call(['queue', 'stats', '--json'])).json()).toMatchObject([
      { queue: 'mail', counts: { waiting: 1 } },
      { queue: 'sync', counts: { delayed: 1 } },
    ])
    expect((await call(['queue', 'stats', 'sync', '--json'])).json()).toMatchObject({
      queue: 'sync',
      paused: false,
    })
    expect((await call(['queue', 'stats'])).lines[1]).toMatch(/^mail +1 +0 +0 +0 +0 +0 +\S+$/)
  })

  test('pause what no worker may start, until it is resumed', async () => {
    await call(['queue', 'add', 'mail', 'welcome', '--id', 'one'])
    await call(['queue', 'pause', 'mail'])
    expect((await call(['queue', 'stats'])).out).toContain('paused')
    await withQueue('mail', async (queue) => {
      expect(await queue.worker({ welcome: () => {} }).drainOnce()).toMatchObject({ processed: 0 })
    })
    expect((await call(['queue', 'resume', 'mail', '--json'])).json()).toEqual({
      queue: 'mail',
      paused: false,
    })
    expect((await call(['queue', 'stats', 'mail', '--json'])).json()).toMatchObject({ paused: false })
  })

  test('cancel what is not finished, and fail for what is not there', async () => {
    await call(['queue', 'add', 'mail', 'welcome', '--id', 'one'])
    const { code, err, json } = await call(['queue', 'cancel', 'mail', 'one', 'two', '--json'])
    expect(json()).toEqual([
      { id: 'one', status: 'cancelled' },
      { id: 'two', status: 'not-found' },
    ])
    expect(code).toBe(1)
    expect(JSON.parse(err)).toEqual({
      error: { code: 'NOT_FOUND', message: '1 of 2 jobs could not be cancelled' },
    })
  })
})

describe('dead', () => {
  test('lists and shows what failed for good, without a stack in the list', async () => {
    await bury('one', 'late-1')
    const list = await call(['dead', 'list', 'mail'])
    expect(list.lines).toHaveLength(3)
    expect(list.out).toMatch(/one +welcome +1 +\S+ +TypeError +no such address\n/)
    expect((await call(['dead', 'list', 'mail', '--error', 'ETIMEDOUT', '--json'])).json()).toMatchObject([
      { id: 'dlq_late-1', payload: { errorType: 'ETIMEDOUT', original: { id: 'late-1' } } },
    ])
    const shown = await call(['dead', 'show', 'mail', 'dlq_one'])
    expect(shown.out).toMatch(/last error\n {2}TypeError: no such address/)
    expect(await call(['dead', 'show', 'mail', 'nobody'])).toMatchObject({ code: 1, out: '' })
  })

  test('replays by id, by filter, or all, and names what it did not find', async () => {
    await bury('a', 'b', 'late-1', 'late-2')
    const byId = await call(['dead', 'replay', 'mail', 'a', 'dlq_b', 'nobody', '--json'])
    expect(byId.json()).toEqual({ queue: 'mail', replayed: 2, missing: ['nobody'] })
    expect(byId.code).toBe(1)
    expect((await call(['dead', 'replay', 'mail', '--type', 'welcome', '--json'])).json()).toMatchObject({
      replayed: 0,
    })
    expect((await call(['dead', 'replay', 'mail', '--all', '--json'])).json()).toMatchObject({ replayed: 2 })
    expect((await call(['queue', 'stats', 'mail', '--json'])).json()).toMatchObject({
      counts: { waiting: 4, dead: 0 },
    })
  })

  test('purges only what it was told to', async () => {
    await bury('a', 'late-1')
    for (const argv of [[], ['a', '--all'], ['--type', 'late', '--all']]) {
      expect(await call(['dead', 'purge', 'mail', ...argv])).toMatchObject({ code: 2, out: '' })
    }
    expect((await call(['dead', 'purge', 'mail', '--before', '2020-01-01', '--json'])).json()).toMatchObject({
      purged: 0,
    })
    expect((await call(['dead', 'purge', 'mail', '--error', 'TypeError', '--json'])).json()).toMatchObject({
      purged: 1,
    })
    expect((await call(['dead', 'list', 'mail', '--json'])).json()).toMatchObject([{ id: 'dlq_late-1' }])
    expect((await call(['dead', 'purge', 'mail', '--all'])).out).toBe('removed 1 dead letter of mail\n')
    expect((await call(['dead', 'list', 'mail'])).out).toBe('mail has no dead letters\n')
  })
})

describe('a store that cannot be looked into', () => {
  test('because none was named: both ways to name one are', async () => {
    const { code, err } = await call(['queue', 'stats'], '', {})
    expect(code).toBe(2)
    expect(err).toMatch(/--backend .* MILLHAND_BACKEND/)
  })

  test('because it is not there is not made by looking', async () => {
    expect(await call(['queue', 'stats'])).toMatchObject({ code: 1, out: '' })
    expect(existsSync(file)).toBe(false)
  })

  test('because it lives in another process', async () => {
    expect(await call(['queue', 'stats', '--backend', 'memory:'])).toMatchObject({ code: 2, out: '' })
  })

  test.each([
    'queue stats mial',
    'queue jobs mial',
    'queue show mial x',
    'queue pause mial',
    'dead list mial',
  ])('because it has no such queue: %s', async (argv) => {
    await call(['queue', 'add', 'mails', 'welcome'])
    await call(['queue', 'add', 'sync', 'welcome'])
    const { code, out, err } = await call([...argv.replace('mial', 'mailz').split(' '), '--json'])
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(JSON.parse(err)).toMatchObject({
      error: { code: 'NOT_FOUND', message: expect.stringContaining('did you mean "mails"?') },
    })
    expect((await call(['queue', 'stats', '--json'])).json()).toHaveLength(2)
  })

  test('because it is no database', async () => {
    await writeFile(file, 'this is a letter to my aunt, '.repeat(200))
    const { code, out, err } = await call(['queue', 'stats'])
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).toContain(file)
    expect(err).not.toMatch(/^\s+at /m)
  })

  test('shows a stack only with --debug', async () => {
    const { err } = await call(['queue', 'stats', '--debug'])
    expect(err).toMatch(/^\s+at /m)
    const json = await call(['queue', 'stats', '--debug', '--json'])
    expect(JSON.parse(json.err)).toMatchObject({ error: { code: 'NOT_FOUND', stack: expect.any(String) } })
  })
})

describe('help', () => {
  test.each(['', 'run', 'queue jobs', 'queue add', 'dead purge'])(
    'of "%s" has examples and exit codes',
    async (command) => {
      const { code, out, err } = await call([...command.split(' ').filter(Boolean), '--help'])
      expect({ code, err }).toEqual({ code: 0, err: '' })
      expect(out).toContain(`$ millhand ${command}`)
      expect(out).toContain('2  wrong usage')
    },
  )

  test.each([[[]], [['queue']], [['dead']]])(
    'comes instead of nothing for %j, as wrong usage',
    async (argv) => {
      const { code, out, err } = await call(argv)
      expect({ code, out }).toEqual({ code: 2, out: '' })
      expect(err).toContain('Usage: millhand')
    },
  )

  test('an unknown command is met with a guess', async () => {
    const { code, err } = await call(['queue', 'stat', '--json'])
    expect(code).toBe(2)
    expect(JSON.parse(err)).toMatchObject({
      error: { message: expect.stringContaining('Did you mean stats?') },
    })
  })
})

import {
  appendFileSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Follower } from '../../examples/log-watcher/follower.ts'
import { takeLines } from '../../examples/log-watcher/lines.ts'
import type { Match } from '../../examples/log-watcher/matches.ts'
import { runsOf } from '../fixtures/examples/runs.ts'
import { until } from '../fixtures/until.ts'

describe('the lines of a chunk', () => {
  test('are those of the text, however it was cut into reads', () => {
    const text = fc
      .array(fc.constantFrom('a', 'é', '漢', '🙂', '\n', '\r\n', ''))
      .map((parts) => parts.join(''))
    fc.assert(
      fc.property(text, fc.array(fc.nat({ max: 5 })), (text, sizes) => {
        const bytes = Buffer.from(text)
        const lines: string[] = []
        let [offset, end, isSkipping] = [0, 0, false]
        for (const size of [...sizes, bytes.length]) {
          end = Math.min(end + size, bytes.length)
          const taken = takeLines(bytes.subarray(offset, end), 1000, isSkipping)
          lines.push(...taken.lines.map((line) => line.text))
          offset += taken.bytes
          isSkipping = taken.isSkipping
        }
        expect(lines).toEqual(text.split(/\r?\n/).slice(0, -1))
      }),
    )
  })

  test('are cut at the limit between two characters, and the rest is skipped: memory is bounded', () => {
    const first = takeLines(Buffer.from('ééééé'), 5, false)
    expect(first).toEqual({ lines: [{ start: 0, text: 'éé', isCut: true }], bytes: 10, isSkipping: true })
    const second = takeLines(Buffer.from('éé'), 5, true)
    expect(second).toEqual({ lines: [], bytes: 4, isSkipping: true })
    const third = takeLines(Buffer.from('é\nshort\n'), 5, true)
    expect(third).toMatchObject({ lines: [{ text: 'short', isCut: false }], bytes: 9, isSkipping: false })
  })

  test('may be just as long as the limit, with \\r\\n and without', () => {
    expect(takeLines(Buffer.from('12345\r'), 5, false)).toMatchObject({ lines: [], bytes: 0 })
    const { lines } = takeLines(Buffer.from('12345\r\n12345\n123456\n'), 5, false)
    expect(lines.map(({ text, isCut }) => [text, isCut])).toEqual([
      ['12345', false],
      ['12345', false],
      ['12345', true],
    ])
  })
})

/** A log in a folder of its own, and who follows it. */
class Scene {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'follower-'))
  readonly log: string = join(this.folder, 'app.log')
  readonly lines: string[] = []
  readonly ids: string[] = []
  readonly gone: number[] = []
  follower: Follower = this.#make()
  #isOpen = false

  #make(from: 'start' | 'end' = 'start'): Follower {
    return new Follower({
      path: this.log,
      checkpoint: join(this.folder, 'checkpoint.json'),
      maxLineBytes: 100,
      lingerMs: 60_000,
      from,
      onGone: ({ offset }) => void this.gone.push(offset),
    })
  }

  /** What is new. */
  async poll(isLast = false): Promise<string[]> {
    if (!this.#isOpen) await this.follower.open()
    this.#isOpen = true
    const news: string[] = []
    for await (const { fileId, lines } of this.follower.poll(new AbortController().signal, isLast)) {
      news.push(...lines.map(({ text }) => text))
      this.ids.push(...lines.map(({ start }) => `${fileId}:${start}`))
    }
    this.lines.push(...news)
    return news
  }

  /** As after a restart of the program. */
  async restart(from?: 'start' | 'end'): Promise<void> {
    await this.follower.close()
    this.follower = this.#make(from)
    this.#isOpen = false
  }

  append(text: string | Buffer): void {
    appendFileSync(this.log, text)
  }

  /** Shifts the files that were rotated before, then the log itself, which leaves none. */
  rename(): void {
    this.shift()
    renameSync(this.log, `${this.log}.1`)
  }

  copyAndTruncate(): void {
    this.shift()
    copyFileSync(this.log, `${this.log}.1`)
    truncateSync(this.log)
  }

  shift(): void {
    let last = 1
    while (existsSync(`${this.log}.${last}`)) last++
    for (; last > 1; last--) renameSync(`${this.log}.${last - 1}`, `${this.log}.${last}`)
  }

  async clean(): Promise<void> {
    await this.follower.close()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

describe('a follower', () => {
  let scene: Scene
  beforeEach(() => (scene = new Scene()))
  afterEach(() => scene.clean())

  test('waits for a log that is not there yet, and for lines that are not complete', async () => {
    expect(await scene.poll()).toEqual([])
    scene.append('one\ntw')
    expect(await scene.poll()).toEqual(['one'])
    scene.append(Buffer.from('o é').subarray(0, 3))
    expect(await scene.poll()).toEqual([])
    scene.append(Buffer.from('é\r\n').subarray(1))
    expect(await scene.poll()).toEqual(['two é'])
    expect(await scene.poll()).toEqual([])
  })

  test('reads a renamed log to its end, what is still written to it included, and then the new one', async () => {
    scene.append('1\n')
    expect(await scene.poll()).toEqual(['1'])
    const writer = openSync(scene.log, 'a')
    writeSync(writer, '2\n')
    scene.rename()
    expect(await scene.poll()).toEqual(['2'])
    writeFileSync(scene.log, '4\n')
    writeSync(writer, '3\nno end')
    expect(await scene.poll()).toEqual(['3', '4'])
    writeSync(writer, ' after all\n')
    closeSync(writer)
    expect(await scene.poll()).toEqual(['no end after all'])
  })

  test('hands out the line without an end of a renamed log when that is finished, so that it is not lost', async () => {
    scene.append('1\nlast words')
    await scene.poll()
    scene.rename()
    writeFileSync(scene.log, 'new\n')
    expect(await scene.poll(true)).toEqual(['last words', 'new'])
    expect(await scene.poll(true)).toEqual([])
  })

  test('finds two logs that were renamed between two looks', async () => {
    scene.append('1\n')
    await scene.poll()
    scene.append('2\n')
    scene.rename()
    scene.append('3\n')
    scene.rename()
    scene.append('4\n')
    expect(await scene.poll()).toEqual(['2', '3', '4'])
  })

  test('reads a log anew that was truncated, also when it has grown beyond its old size since', async () => {
    scene.append('old 1\nold 2\n')
    await scene.poll()
    truncateSync(scene.log)
    expect(await scene.poll()).toEqual([])
    scene.append('new 1\n')
    expect(await scene.poll()).toEqual(['new 1'])
    writeFileSync(scene.log, 'newer 1\nnewer 2\nnewer 3\n')
    expect(await scene.poll()).toEqual(['newer 1', 'newer 2', 'newer 3'])
    // Nobody can know whether the last look had seen all.
    expect(scene.gone).toEqual([12, 6])
  })

  test('takes what it had not read before a truncation from the copy', async () => {
    scene.append('1\n')
    await scene.poll()
    scene.append('2\n')
    scene.copyAndTruncate()
    scene.append('3\n')
    expect(await scene.poll()).toEqual(['2', '3'])
    expect(scene.gone).toEqual([])
  })

  test('reads no line twice that came after the copy was made and before the truncation', async () => {
    scene.append('1\n')
    await scene.poll()
    copyFileSync(scene.log, `${scene.log}.1`)
    scene.append('2\n')
    await scene.poll()
    truncateSync(scene.log)
    scene.append('3\n')
    await scene.poll()
    expect(scene.lines).toEqual(['1', '2', '3'])
  })

  test('goes on where it was after a restart, whatever happened to the files meanwhile', async () => {
    scene.append('1\n2\n')
    await scene.poll()
    await scene.restart()
    scene.append('3\n')
    expect(await scene.poll()).toEqual(['3'])
    await scene.restart()
    for (const line of ['4\n', '5\n', '6\n']) {
      scene.append(line)
      scene.rename()
      // Files of the same tick of the kernel's clock have no order.
      await setTimeout(10)
    }
    scene.append('7\n')
    expect(await scene.poll()).toEqual(['4', '5', '6', '7'])
    await scene.restart()
    scene.append('8\n')
    scene.copyAndTruncate()
    scene.append('9\n')
    expect(await scene.poll()).toEqual(['8', '9'])
  })

  test('is not deceived by another file that got the inode of an old one', async () => {
    scene.append('old\n')
    await scene.poll()
    await scene.restart()
    // The same inode with other content, and longer: what a reused inode looks like.
    const { ino } = statSync(scene.log)
    writeFileSync(scene.log, 'quite another file\n')
    expect(statSync(scene.log).ino).toBe(ino)
    expect(await scene.poll()).toEqual(['quite another file'])
    expect(scene.gone).toEqual([4])
  })

  test('hands a batch out again that was not confirmed, under the same id: a crash loses nothing', async () => {
    scene.append('1\n2\n')
    await scene.follower.open()
    let first: unknown
    for await (const batch of scene.follower.poll(new AbortController().signal)) {
      first = batch
      break
    }
    await scene.restart()
    await scene.follower.open()
    for await (const batch of scene.follower.poll(new AbortController().signal)) expect(batch).toEqual(first)
    expect(first).toMatchObject({ lines: [{ text: '1' }, { text: '2' }] })
  })

  test('leaves alone what was rotated before it first ran, and with from end what is there already', async () => {
    scene.append('ancient\n')
    scene.rename()
    scene.append('old\nhalf of a li')
    await scene.restart('end')
    expect(await scene.poll()).toEqual([])
    scene.append('ne\nnew\n')
    expect(await scene.poll()).toEqual(['new'])
  })

  test('cuts a line that is too long and goes on after it, also in the middle of a restart', async () => {
    scene.append(`1\n${'x'.repeat(200_000)}`)
    expect(await scene.poll()).toEqual(['1', 'x'.repeat(100)])
    await scene.restart()
    scene.append(`${'y'.repeat(200_000)}\n2\n`)
    expect(await scene.poll()).toEqual(['2'])
  })

  test('hands out every line once through any rotations and restarts', async () => {
    const op = fc.constantFrom(
      'line',
      'line',
      'half',
      'poll',
      'poll',
      'rename',
      'reopen',
      'copytruncate',
      'restart',
    )
    await fc.assert(
      fc.asyncProperty(fc.array(op, { maxLength: 40 }), async (ops) => {
        const scene = new Scene()
        const written: string[] = []
        let writer = openSync(scene.log, 'a')
        let half = false
        const line = (): void => {
          if (!half) written.push(`line ${written.length}`)
          writeSync(writer, half ? `${written.length - 1}\n` : `${written.at(-1)}\n`)
          half = false
        }
        const whole = (): void => void (half && line())
        try {
          await scene.poll()
          for (const op of ops) {
            if (op === 'line') line()
            else if (op === 'half' && !half) {
              written.push(`line ${written.length}`)
              writeSync(writer, 'line ')
              half = true
            } else if (op === 'poll') await scene.poll()
            else if (op === 'restart') await scene.restart()
            // The writer goes on with the renamed file until it is told to open the new one.
            else if (op === 'rename' && existsSync(scene.log)) scene.rename()
            else if (op === 'reopen') {
              whole()
              closeSync(writer)
              writer = openSync(scene.log, 'a')
            } else if (op === 'copytruncate' && existsSync(scene.log)) {
              // Whoever writes at that moment loses; that is why it is done between two lines.
              whole()
              scene.copyAndTruncate()
            }
          }
          whole()
          await scene.poll()
          // A truncation of a log of which nothing was read yet is noticed at the next rotation or restart only.
          await scene.restart()
          await scene.poll(true)
          expect(scene.lines.toSorted()).toEqual(written.toSorted())
          expect(new Set(scene.ids).size).toBe(written.length)
        } finally {
          closeSync(writer)
          await scene.clean()
        }
      }),
      { numRuns: 60 },
    )
  })
})

describe('the log-watcher', () => {
  let runs: ReturnType<typeof runsOf>
  let log: string
  beforeEach(() => {
    runs = runsOf('log-watcher')
    log = join(runs.folder, 'app.log')
  })
  afterEach(() => runs.clean())

  const matches = (out: string): (Match & { id: string })[] =>
    out
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Match & { id: string })

  test('prints every line that matches, follows the log through a rotation, and ends with 0 at SIGTERM', async () => {
    const run = runs.start('app.log', '--poll', '20')
    await run.printed('following')
    writeFileSync(log, 'INFO up\nERROR one\n')
    await run.printed('ERROR one')
    appendFileSync(log, 'ERROR two\n')
    renameSync(log, `${log}.1`)
    writeFileSync(log, 'ERROR three\nERROR fo')
    await run.printed('ERROR three')
    run.child.kill('SIGTERM')
    expect(await run.ended).toBe(0)
    expect(matches(run.out()).map(({ line }) => line)).toEqual(['ERROR one', 'ERROR two', 'ERROR three'])

    appendFileSync(log, 'ur\nERROR five\n')
    const next = runs.start('app.log', '--once')
    expect(await next.ended).toBe(0)
    expect(matches(next.out())).toMatchObject([
      { line: 'ERROR four', offset: 12, path: log },
      { line: 'ERROR five', offset: 23 },
    ])
  })

  test('killed with -9 again and again under load, it misses nothing and stores nothing twice', async () => {
    let written = 0
    const printed = new Map<string, string>()
    const keep = (out: string): void => {
      // The last line of a killed process may be half.
      for (const { id, line } of matches(out.slice(0, out.lastIndexOf('\n') + 1))) printed.set(id, line)
    }
    for (let round = 0; round < 3; round++) {
      const run = runs.start('app.log', '--poll', '1')
      // What is rotated before it has ever run is none of its business.
      if (round === 0) {
        appendFileSync(log, `ERROR ${written++}\n`)
        await run.printed('ERROR 0')
      }
      const enough = written + 1_500
      await until(
        () => {
          for (let i = 0; i < 10; i++) appendFileSync(log, `ERROR ${written++}\n`)
          if (written % 400 < 10) renameSync(log, `${log}.${written}`)
          return written >= enough && run.out().includes('ERROR ')
        },
        { every: 5 },
      )
      run.child.kill('SIGKILL')
      expect(await run.ended).toBe('SIGKILL')
      keep(run.out())
    }
    const last = runs.start('app.log', '--once')
    expect(await last.ended).toBe(0)
    keep(last.out())
    const lines = [...printed.values()].toSorted()
    expect(lines).toHaveLength(written)
    expect(lines).toEqual(Array.from({ length: written }, (_, i) => `ERROR ${i}`).toSorted())
  })

  test('says what is wrong with its command line, and with a checkpoint that is none', async () => {
    const none = runs.start()
    expect(await none.ended).toBe(1)
    expect(none.log()).toMatch(/^error: expected at least one FILE\n/)
    const regex = runs.start('app.log', '--match', '(')
    expect(await regex.ended).toBe(1)
    expect(regex.log()).toMatch(/^error: Invalid regular expression/)

    const first = runs.start('app.log', '--once')
    expect(await first.ended).toBe(0)
    const checkpoint = join(runs.folder, '.millhand/log-watcher', `${encodeURIComponent(log)}.json`)
    expect(JSON.parse(readFileSync(checkpoint, 'utf8'))).toMatchObject({ version: 1 })
    writeFileSync(checkpoint, '{"version":1,"fi')
    const broken = runs.start('app.log', '--once')
    expect(await broken.ended).toBe(1)
    expect(broken.log()).toContain('is not a checkpoint of this program')
  })
})

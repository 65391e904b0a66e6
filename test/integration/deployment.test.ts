/**
 * The files that people copy to deploy a program. Were one of them wrong, their workers would be killed while they
 * drain, or restarted while they start, and they would not know why.
 */
import { execFile, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { toMs } from '../../src/core/duration.ts'
import { PROBES } from '../../src/http/probe-answer.ts'
import { PLACEMENT_RULES } from '../../src/worker/placement/placement-options.ts'
import { SERVER_RULES } from '../../src/server/server-options.ts'
import { start, type Running } from '../fixtures/cli/command.ts'
import { until } from '../fixtures/until.ts'

const ROOT = join(import.meta.dirname, '../..')
const FOLDER = join(ROOT, 'examples/deployment')

const read = (name: string): string => readFileSync(join(FOLDER, name), 'utf8')
const unit = read('millhand.service')
const dockerfile = read('Dockerfile')
const compose = read('compose.yaml')
const kubernetes = read('kubernetes.yaml')
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  bin: { millhand: string }
  engines: { node: string }
}

/** The first group of what is in the text once. */
function only(text: string, pattern: RegExp): string {
  const found = [...text.matchAll(new RegExp(pattern, `${pattern.flags}g`))].map(([, group]) => group!)
  expect(found, String(pattern)).toHaveLength(1)
  return found[0]!
}

const setting = (name: string): string => only(unit, new RegExp(`^${name}=(.*)$`, 'm'))
const instruction = (name: string): string[] =>
  JSON.parse(only(dockerfile, new RegExp(`^${name} (\\[.*\\])$`, 'm'))) as string[]
const manifestArgs = only(kubernetes, /^ *args: \[(.*)\]$/m)
  .split(', ')
  .map((arg) => arg.replaceAll("'", ''))

describe('the time that is given', () => {
  // Killing what hangs, closing the stores, ending what a file left open.
  const AFTER_MS = 1000 + 5000 + 1000
  const shutdownMs = SERVER_RULES.shutdownTimeout(undefined, 'shutdownTimeout')

  test.each([
    ['systemd', () => Number(setting('TimeoutStopSec')) * 1000],
    ['Docker', () => toMs(only(compose, /^ *stop_grace_period: (\S+)$/m))],
    ['Kubernetes', () => Number(only(kubernetes, /^ *terminationGracePeriodSeconds: (\d+)$/m)) * 1000],
  ])('by %s to stop is above shutdownTimeout and what follows', (_name, ms) => {
    expect(shutdownMs).toBe(30_000)
    expect(read('main.ts')).toContain("shutdownTimeout: '30s'")
    expect(ms()).toBeGreaterThanOrEqual(shutdownMs + AFTER_MS)
  })

  test('to start is above the time that a worker may take for its setup', () => {
    const startMs = PLACEMENT_RULES.startTimeout(undefined, 'startTimeout')
    const [period, threshold] = [/periodSeconds: (\d+)/, /failureThreshold: (\d+)/].map((pattern) =>
      Number(pattern.exec(kubernetes.split('startupProbe:')[1]!)![1]),
    )
    expect(toMs(setting('TimeoutStartSec').replace('min', 'm'))).toBeGreaterThan(2 * startMs)
    expect(period! * threshold! * 1000).toBeGreaterThan(2 * startMs)
  })
})

describe('the command that is run', () => {
  test('is Node with the file that the package has for it, never npm', () => {
    const bin = `node_modules/millhand/${manifest.bin.millhand}`
    expect(existsSync(join(ROOT, manifest.bin.millhand))).toBe(true)
    expect(setting('ExecStart')).toBe(`/usr/bin/node ${bin} run main.ts`)
    expect(instruction('ENTRYPOINT')).toEqual(['tini', '--', 'node', bin])
    expect(dockerfile).toMatch(/install --yes --no-install-recommends tini/)
  })

  test('runs in an image whose Node is new enough', () => {
    const major = Number(/>=(\d+)/.exec(manifest.engines.node)![1])
    for (const [, image] of dockerfile.matchAll(/^FROM node:(\d+)-slim/gm)) {
      expect(Number(image)).toBeGreaterThan(major)
    }
  })

  test('is the same in the image and in the cluster, with the probes on the port that is asked', () => {
    expect(manifestArgs).toEqual(instruction('CMD'))
    const port = manifestArgs.at(-1)!.split(':')[1]
    expect(only(kubernetes, /containerPort: (\d+)/)).toBe(port)
    expect(only(dockerfile, /^EXPOSE (\d+)$/m)).toBe(port)
    expect(dockerfile).toContain(`http://127.0.0.1:${port}/live`)
  })

  test('asks each of the probes, once', () => {
    const asked = [...kubernetes.matchAll(/httpGet: \{ path: (\S+), port: probes \}/g)].map(
      ([, path]) => path,
    )
    expect(asked).toEqual([...PROBES.keys()])
  })

  test('is not run by root, and writes where it may', () => {
    expect(dockerfile).toContain('\nUSER node\n')
    expect(dockerfile).toMatch(/chown node:node \/data\nVOLUME \/data\n.*DATABASE=\/data\/jobs\.db/)
    expect(compose).toContain('volumes: [jobs:/data]')
    expect(kubernetes).toContain('mountPath: /data')
    expect(kubernetes).toMatch(/runAsNonRoot: true\n *runAsUser: 1000\n/)
    expect(setting('DynamicUser')).toBe('yes')
    expect(setting('Environment')).toBe(`DATABASE=/var/lib/${setting('StateDirectory')}/jobs.db`)
  })
})

describe('the program', () => {
  let folder: string
  let running: Running | undefined

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millhand-deployment-'))
  })
  afterEach(async () => {
    running?.child.kill('SIGKILL')
    await running?.ended
    await rm(folder, { recursive: true })
  })

  test('passes the probes of the cluster and the check of the image, and ends well at SIGTERM', async () => {
    const args = manifestArgs.map((arg) => (arg === '0.0.0.0:8080' ? '127.0.0.1:0' : arg))
    expect(args).not.toEqual(manifestArgs)
    running = start(args, { cwd: FOLDER, env: { DATABASE: join(folder, 'jobs.db') } })
    let log = ''
    running.child.stderr!.on('data', (text: string) => {
      log += text
    })
    const url = await until(() => /probes at (http:[\d.:/]+\d):/.exec(log)?.[1])
    await until(async () => (await fetch(`${url}/startup`)).ok)
    for (const path of PROBES.keys()) expect((await fetch(url + path)).status).toBe(200)

    const check = JSON.parse(only(dockerfile, /^ *CMD (\["node", "-e".*\])$/m)) as string[]
    const script = check[2]!.replace('http://127.0.0.1:8080', url)
    expect(await exitCodeOf(script)).toBe(0)
    expect(await exitCodeOf(script.replace('/live', '/dead'))).toBe(1)
    running.child.kill('SIGTERM')
    expect(await running.ended).toMatchObject({ code: 0, signal: null })
    expect(await exitCodeOf(script)).toBe(1)
  })

  const hasAnalyze = spawnSync('systemd-analyze', ['--version'], { stdio: 'ignore' }).status === 0
  test.skipIf(!hasAnalyze)('has a unit that systemd accepts, and calls well confined', async () => {
    const file = join(folder, 'millhand.service')
    await writeFile(file, unit.replace('/usr/bin/node', process.execPath))
    const verified = spawnSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8' })
    // Other units of this machine may have warnings of their own.
    const complaints = verified.stderr.split('\n').filter((line) => line.includes('millhand'))
    expect(complaints).toEqual([])
    const judged = spawnSync(
      'systemd-analyze',
      ['security', '--offline=true', '--threshold=25', '--no-pager', file],
      { encoding: 'utf8' },
    )
    // An old systemd-analyze has no --offline.
    if (/unrecognized option/.test(judged.stderr)) return
    expect(judged.status, judged.stdout.trimEnd().split('\n').at(-1)).toBe(0)
  })
})

function exitCodeOf(script: string): Promise<number | null> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, ['-e', script], { timeout: 30_000 }, () =>
      resolve(child.exitCode),
    )
  })
}

describe('the guide', () => {
  const page = readFileSync(join(ROOT, 'docs/guide/deployment.md'), 'utf8')
  const shown = [...page.matchAll(/^```(ini|dockerfile|yaml)\n(.*?)^```$/gms)].map(([, kind, text]) => {
    const before = page.slice(0, page.indexOf(text!))
    const [, link] = [...before.matchAll(/\]\(\.\.\/\.\.\/examples\/deployment\/([^)]+)\)/g)].at(-1)!
    return { kind, file: basename(link!), lines: text!.trimEnd().split('\n') }
  })

  test('shows excerpts of these files, of each of them', () => {
    expect(shown.map(({ file }) => file)).toEqual([
      'millhand.service',
      'Dockerfile',
      'compose.yaml',
      'kubernetes.yaml',
    ])
  })

  test.each(shown)('has the lines of $file as they are, in their order', ({ file, lines }) => {
    const there = read(file).split('\n')
    let from = 0
    for (const line of lines) {
      const at = there.indexOf(line, from)
      expect(at, `"${line}" in ${file}`).toBeGreaterThanOrEqual(from)
      from = at + 1
    }
  })
})

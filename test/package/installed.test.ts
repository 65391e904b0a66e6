/** The package as its users get it: packed, installed from the tarball, imported on every Node it promises. */
import { execFile } from 'node:child_process'
import { globSync } from 'node:fs'
import { lstat, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { pack, ROOT, type Tarball } from './tarball.ts'

const OLDEST_NODE = '22.23.3'
const MAX_INSTALLED_BYTES = 10 * 1024 * 1024

/** Imports each entry in a process of its own, in which nothing else has loaded a driver. Prints what it found. */
const IMPORT_ONE = `
  const names = Object.keys(await import(process.argv[2]))
  const drivers = process.moduleLoadList.filter((each) => each === 'NativeModule sqlite')
  console.log(JSON.stringify({ node: process.versions.node, names, drivers }))
`

/** Ends the command by a signal, as a terminal would, once its job has begun. */
const MAIL = `
  import { Queue } from 'millhand'
  import { sqlite } from 'millhand/sqlite'

  const mail = new Queue('mail', { backend: sqlite('jobs.db') })
  export const worker = mail.worker({
    welcome: (job): void => {
      console.log('welcome, ' + (job.payload as { to: string }).to)
      process.kill(process.pid, 'SIGTERM')
    },
  })
`

/** Workers elsewhere, each of which tells what of Node it has loaded, started by a file of its own. */
const WORKERS = `
  import { ProcessWorker, ThreadWorker } from 'millhand'

  export class InThread extends ThreadWorker {
    static module = import.meta.url
    main() { this.message(process.moduleLoadList) }
  }
  export class InProcess extends ProcessWorker {
    static module = import.meta.url
    main() { this.message(process.moduleLoadList) }
  }
`
const START_WORKERS = `
  import { WorkerHandle } from 'millhand'
  import * as classes from './workers.js'

  const loaded = {}
  for (const [name, workerClass] of Object.entries(classes)) {
    const handle = new WorkerHandle(workerClass)
    handle.events.on('message', ({ message }) => (loaded[name] = message))
    await handle.start()
    await handle.join()
  }
  console.log(JSON.stringify(loaded))
`
/** Parts of Node that take as long to load as all of Millhand: `child_process`, `crypto`, what `import 'fs'` adds. */
const COSTLY = ['child_process', 'crypto', 'internal/fs/promises', 'net', 'perf_hooks', 'v8'].map(
  (name) => `NativeModule ${name}`,
)

const execute = promisify(execFile)
let project: string
let tarball: Tarball
let entries: string[]

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'millhand-installed-'))
  tarball = await pack(project)
  const manifest = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { exports: object }
  entries = Object.keys(manifest.exports)
    .filter((entry) => !entry.endsWith('.json'))
    .map((entry) => entry.replace('.', 'millhand'))
  await writeFile(join(project, 'package.json'), '{ "private": true, "type": "module" }')
  await writeFile(join(project, 'import-one.js'), IMPORT_ONE)
  const options = ['--prefer-offline', '--no-audit', '--no-fund', '--omit=dev']
  await execute('npm', ['install', ...options, tarball.path], { cwd: project })
})
afterAll(() => rm(project, { recursive: true, force: true }))

test('the tarball holds the build, the command and three texts, and nothing else', () => {
  const expected =
    /^(?:dist\/.+\.(?:js|d\.ts)|bin\/millhand\.js|(?:README|CHANGELOG)\.md|LICENSE|package\.json)$/
  const paths = tarball.files.map((file) => file.path)
  expect(paths.filter((path) => !expected.test(path))).toEqual([])
  expect(paths).toEqual(expect.arrayContaining(['bin/millhand.js', 'LICENSE', 'README.md', 'CHANGELOG.md']))
  expect(tarball.files.find((file) => file.path === 'bin/millhand.js')?.mode).toBe(0o755)
})

test('every thread and process finds its first file beside the code that starts it', () => {
  const paths = new Set(tarball.files.map((file) => file.path))
  const entries = globSync('src/**/*-entry.ts', { cwd: ROOT }).map(
    (path) => `dist/${basename(path, '.ts')}.js`,
  )
  expect(entries.length).toBeGreaterThan(0)
  expect(entries.filter((path) => !paths.has(path))).toEqual([])
})

test('installed with all that it needs, it takes at most 10 MiB', async () => {
  expect(await bytesIn(join(project, 'node_modules'))).toBeLessThan(MAX_INSTALLED_BYTES)
})

test('every entry can be imported on this Node; only millhand/sqlite loads a driver', async () => {
  for (const entry of entries) {
    const { names, drivers } = await importOne(entry, process.execPath)
    expect(names, entry).not.toEqual([])
    if (entry !== 'millhand/sqlite') expect(drivers, entry).toEqual([])
  }
})

test(`every entry can be imported on Node ${OLDEST_NODE}`, async ({ skip }) => {
  const node = await otherNode(OLDEST_NODE)
  if (node === undefined) return skip(`npm cannot fetch Node ${OLDEST_NODE} here`)
  for (const entry of entries) {
    const found = await importOne(entry, node)
    expect(found.node).toBe(OLDEST_NODE)
    expect(found.names, entry).not.toEqual([])
  }
})

test('workers start in a thread and a process; the thread has loaded nothing costly', async () => {
  await writeFile(join(project, 'workers.js'), WORKERS)
  await writeFile(join(project, 'start-workers.js'), START_WORKERS)
  const options = { cwd: project, env: { ...process.env, NODE_OPTIONS: '' }, timeout: 30_000 }
  const { stdout } = await execute(process.execPath, ['start-workers.js'], options)
  const { InThread, InProcess } = JSON.parse(stdout) as Record<string, string[]>
  expect(InProcess).not.toEqual([])
  expect(COSTLY.filter((name) => InThread?.includes(name))).toEqual([])
})

test('the command adds a job, and runs the TypeScript file that works on it', async () => {
  const millhand = (...args: string[]) =>
    execute('npm', ['exec', '--no', '--', 'millhand', ...args], { cwd: project, timeout: 30_000 })
  await writeFile(join(project, 'mail.ts'), MAIL)
  await millhand('queue', 'add', 'mail', 'welcome', '{ "to": "ada" }', '--backend', 'sqlite:jobs.db')
  const { stdout } = await millhand('run', 'mail.ts')
  expect(stdout).toBe('welcome, ada\n')
})

async function importOne(
  entry: string,
  node: string,
): Promise<{ node: string; names: string[]; drivers: string[] }> {
  const options = { cwd: project, env: { ...process.env, NODE_OPTIONS: '' }, timeout: 10_000 }
  const { stdout } = await execute(node, ['import-one.js', entry], options)
  return JSON.parse(stdout) as { node: string; names: string[]; drivers: string[] }
}

/** The path of another Node, which npm fetches once and keeps in its cache. */
async function otherNode(version: string): Promise<string | undefined> {
  const args = ['exec', '--yes', `--package=node@${version}`, '--', 'node', '-p', 'process.execPath']
  try {
    const { stdout } = await execute('npm', args, { cwd: project, timeout: 90_000 })
    return stdout.trim()
  } catch {
    return undefined
  }
}

async function bytesIn(folder: string): Promise<number> {
  let bytes = 0
  for (const each of await readdir(folder, { withFileTypes: true, recursive: true })) {
    if (each.isFile()) bytes += (await lstat(join(each.parentPath, each.name))).size
  }
  return bytes
}

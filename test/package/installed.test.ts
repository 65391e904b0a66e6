/** The package as its users get it: packed, installed from the tarball, imported on every Node it promises. */
import { execFile } from 'node:child_process'
import { lstat, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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

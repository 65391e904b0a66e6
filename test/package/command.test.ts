/** bin/millhand.js: which files it runs, and what it says on a Node that is too old. */
import { execFile, type ExecFileOptions } from 'node:child_process'
import { cp, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const BIN = join(import.meta.dirname, '../../bin/millhand.js')
const NODE_MODULES_BIN = join('node_modules', '.bin')

interface Result {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

function run(file: string, args: readonly string[], options: ExecFileOptions = {}): Promise<Result> {
  return new Promise((resolve) => {
    const env = { ...process.env, ...options.env, NODE_OPTIONS: '' }
    execFile(file, args, { ...options, env, encoding: 'utf8' }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout, stderr })
    })
  })
}

describe('the command takes its own code from where the user file takes `millhand`', () => {
  // A package in small: its command says which copy it is, and whether the user's file has the same one.
  const index = 'export class Thing {}\n'
  const main = (extension: string) => `
    import { Thing } from '../index.${extension}'
    import { pathToFileURL } from 'node:url'
    export async function main(argv) {
      const { thing } = await import(pathToFileURL(argv[0]).href)
      console.log('${extension}', thing instanceof Thing ? 'same' : 'another')
      return 7
    }`
  const user = (own: string) => `
    import { Thing } from 'millhand'
    import { fork } from 'node:child_process'
    import { once } from 'node:events'
    import { fileURLToPath } from 'node:url'
    ${own}
    if (process.send === undefined) {
      const [code] = await once(fork(fileURLToPath(import.meta.url)), 'exit')
      if (code !== 0) throw new Error('a child process did not find millhand')
    }`
  let root: string

  beforeAll(async () => {
    root = await realpath(await mkdtemp(join(tmpdir(), 'millhand-command-')))
    await writeFile(join(root, 'user.ts'), user('export const thing: Thing = new Thing()'))
    await create('fresh', ['ts'])
    await create('built', ['ts', 'js'])
    await create('project/node_modules/millhand', ['js'])
    await cp(join(root, 'user.ts'), join(root, 'project/user.ts'))
  })
  afterAll(() => rm(root, { recursive: true, force: true }))

  async function create(name: string, extensions: readonly ('ts' | 'js')[]): Promise<void> {
    const folder = join(root, name)
    await mkdir(join(folder, 'bin'), { recursive: true })
    await cp(BIN, join(folder, 'bin/millhand.js'))
    await cp(join(root, 'user.ts'), join(folder, 'user.ts'))
    const exports = { '.': { 'millhand-source': './src/index.ts', default: './dist/index.js' } }
    await writeFile(
      join(folder, 'package.json'),
      JSON.stringify({ name: 'millhand', type: 'module', exports }),
    )
    for (const extension of extensions) {
      const at = join(folder, extension === 'ts' ? 'src' : 'dist')
      await mkdir(join(at, 'cli'), { recursive: true })
      await writeFile(join(at, `index.${extension}`), index)
      await writeFile(join(at, `cli/main.${extension}`), main(extension))
    }
  }

  test.each([
    ['the source, before a build', 'fresh', [], 'ts same\n'],
    ['the build, once there is one', 'built', [], 'js same\n'],
    ['the source, when the condition asks for it', 'built', ['--conditions=millhand-source'], 'ts same\n'],
  ])('%s', async (_name, folder, options, stdout) => {
    const bin = join(root, folder, 'bin/millhand.js')
    const result = await run(process.execPath, [...options, bin, join(root, folder, 'user.ts')])
    expect(result).toEqual({ code: 7, stdout, stderr: '' })
  })

  test('the package, when it is installed', async () => {
    const bin = join(root, 'project/node_modules/millhand/bin/millhand.js')
    const result = await run(process.execPath, [bin, join(root, 'project/user.ts')])
    expect(result).toEqual({ code: 7, stdout: 'js same\n', stderr: '' })
  })
})

describe('on a Node that is too old', () => {
  const complaint = (version: string) =>
    new RegExp(`^millhand needs Node 22\\.18 or newer, and this is Node ${version}.*npx .*node@24.*\\n$`)

  test.each(['12.22.12', '18.20.8', '20.19.5', '22.17.1'])(
    '%s, it says so in one line and exits 1',
    async (version) => {
      const pretend = `Object.defineProperty(process, 'versions', { value: { node: '${version}' } })`
      const preload = `data:text/javascript,${encodeURIComponent(pretend)}`
      const { code, stdout, stderr } = await run(process.execPath, [
        '--import',
        preload,
        BIN,
        'run',
        'mail.ts',
      ])
      expect(stderr).toMatch(complaint(version.replaceAll('.', '\\.')))
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    },
  )

  test("a real one says the same, where the machine's own Node is old", async ({ skip }) => {
    const own = await ownNode()
    if (own === undefined) skip('no older Node on the PATH')
    const { code, stderr } = await run(own ?? '', [BIN, '--help'])
    expect(stderr).toMatch(complaint('\\d+\\.\\d+\\.\\d+'))
    expect(code).toBe(1)
  })

  /** The first `node` on the PATH that npm did not put there, if it is older than 22. */
  async function ownNode(): Promise<string | undefined> {
    for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
      if (folder.endsWith(NODE_MODULES_BIN)) continue
      const node = join(folder, 'node')
      const { code, stdout } = await run(node, ['-p', 'process.versions.node'])
      if (code === 0) return Number(stdout.split('.')[0]) < 22 ? node : undefined
    }
    return undefined
  }
})

test('npx finds the pinned Node first, whatever the shell has', async () => {
  const { stdout } = await run('npm', ['exec', '--', 'node', '-p', 'process.version'], {
    cwd: dirname(dirname(BIN)),
    env: { PATH: withoutModules(process.env['PATH'] ?? '') },
  })
  expect(stdout.trim()).toBe(process.version)
})

function withoutModules(path: string): string {
  const folders = path.split(delimiter)
  return folders.filter((folder) => !folder.endsWith(NODE_MODULES_BIN)).join(delimiter)
}

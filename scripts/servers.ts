/** Sees to it that the servers which the tests start are installed: the step `servers` of `npm test`. */
import { spawnSync } from 'node:child_process'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { thisMachine } from '../test/servers/binaries.ts'
import { ensureServers } from '../test/servers/installation.ts'

try {
  ensureServers({
    ...thisMachine,
    isRoot: process.getuid?.() === 0,
    exists: existsSync,
    write: (path, text) => writeFileSync(path, text, { mode: 0o755 }),
    remove: (path) => rmSync(path),
    run: ([file = '', ...args]) => {
      const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
      const { status, error, stdout, stderr } = spawnSync(file, args, { env, encoding: 'utf8' })
      return { status: status ?? 1, output: `${stdout}${stderr}${error?.message ?? ''}` }
    },
    say: (text) => console.log(text),
  })
} catch (error) {
  console.error((error as Error).message)
  process.exitCode = 1
}

import { spawnSync } from 'node:child_process'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { thisMachine } from './binaries.ts'
import { ensureServers, type PackageName } from './installation.ts'

/** Only root may install. */
export const isRoot = process.getuid?.() === 0

/** Sees to it that this machine has what is needed, by default what the tests start. @throws see `ensureServers`. */
export function ensureInstalled(needed?: readonly PackageName[]): void {
  ensureServers(
    {
      ...thisMachine,
      isRoot,
      exists: existsSync,
      write: (path, text) => writeFileSync(path, text, { mode: 0o755 }),
      remove: (path) => rmSync(path),
      run: ([file = '', ...args]) => {
        const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
        const { status, error, stdout, stderr } = spawnSync(file, args, { env, encoding: 'utf8' })
        return { status: status ?? 1, output: `${stdout}${stderr}${error?.message ?? ''}` }
      },
      // Standard output may belong to results.
      say: (text) => console.error(text),
    },
    needed,
  )
}

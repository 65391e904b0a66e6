import { spawn } from 'node:child_process'
import { existsSync, rmSync, statSync } from 'node:fs'
import { bundle } from '../scripts/bundle.ts'
import { BENCH, BUILD, pathOf, ROOT } from './places.ts'

/** Installs the peers when they are missing or not those of the lock file, and bundles what is measured. */
export async function prepare(say: (text: string) => void): Promise<void> {
  if (!installed()) {
    say('installing the peers into bench/node_modules')
    await run('npm', ['ci', '--prefix', pathOf(BENCH), '--no-audit', '--no-fund'])
  }
  rmSync(BUILD, { recursive: true, force: true })
  // For profiles, which name the files of src/.
  await bundle(pathOf(BUILD), { sourcemap: true })
}

function installed(): boolean {
  const marker = new URL('node_modules/.package-lock.json', BENCH)
  if (!existsSync(marker)) return false
  return statSync(marker).mtimeMs >= statSync(new URL('package-lock.json', BENCH)).mtimeMs
}

/** Found by the PATH that npm gives its scripts. What it prints is not for standard output. */
function run(command: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: pathOf(ROOT), stdio: ['ignore', 2, 2] })
    child.once('error', (cause) => {
      reject(new Error(`expected ${command} on the PATH; start this by \`npm run bench\``, { cause }))
    })
    child.once('exit', (code, signal) => {
      if (code === 0) resolve()
      else reject(new Error(`${command} ${args.join(' ')} ended with ${signal ?? code}`))
    })
  })
}

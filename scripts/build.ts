/** `npm run build`: src/ to dist/, JavaScript and types. Leaves no dist/ behind when something is wrong. */
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundle } from './bundle.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const DIST = join(ROOT, 'dist')
const TSC = join(ROOT, 'node_modules/typescript/bin/tsc')

rmSync(DIST, { recursive: true, force: true })
try {
  await bundle(DIST)
  const { status } = spawnSync(process.execPath, [TSC, '-p', 'tsconfig.build.json'], {
    cwd: ROOT,
    stdio: 'inherit',
  })
  if (status !== 0) throw new Error('the types are wrong')
} catch (error) {
  rmSync(DIST, { recursive: true, force: true })
  console.error(error)
  process.exitCode = 1
}

/** Packs what `npm publish` would send, from the dist/ that is there. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

export const ROOT: string = join(import.meta.dirname, '../..')

export interface Tarball {
  readonly path: string
  readonly files: readonly { readonly path: string; readonly mode: number }[]
}

export async function pack(folder: string): Promise<Tarball> {
  if (!existsSync(join(ROOT, 'dist'))) throw new Error('there is no dist/ to pack: run `npm run build` first')
  // Without scripts: `prepack` would build again.
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder]
  const { stdout } = await promisify(execFile)('npm', args, { cwd: ROOT, encoding: 'utf8' })
  const [packed] = JSON.parse(stdout) as [{ filename: string; files: Tarball['files'] }]
  return { path: join(folder, packed.filename), files: packed.files }
}

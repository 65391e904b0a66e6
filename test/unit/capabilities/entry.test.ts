import { spawnSync } from 'node:child_process'
import { expect, it } from 'vitest'

/** The files of ours, and the drivers, that a fresh process loads for this import. */
function loadedBy(entry: string, use = ''): { files: string[]; sqlite: boolean } {
  const source = `
    import { registerHooks } from 'node:module'
    const files = []
    registerHooks({ load: (url, context, next) => (files.push(url), next(url, context)) })
    const entry = await import(${JSON.stringify(entry)})
    ${use}
    const sqlite = process.moduleLoadList.includes('NativeModule sqlite')
    console.log(JSON.stringify({ files, sqlite }))`
  const args = ['--conditions=millhand-source', '--input-type=module', '-e', source]
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', cwd: import.meta.dirname })
  if (stdout === '') throw new Error(stderr)
  return JSON.parse(stdout) as ReturnType<typeof loadedBy>
}

it('millhand loads no store and no driver', () => {
  const { files, sqlite } = loadedBy('millhand')
  expect(files.some((file) => file.endsWith('/queue/queue.ts'))).toBe(true)
  expect(files.filter((file) => file.includes('/backends/'))).toEqual([])
  expect(sqlite).toBe(false)
})

it('a store loads nothing of another, and its driver when it is opened', () => {
  expect(loadedBy('millhand/memory').sqlite).toBe(false)
  const { files, sqlite } = loadedBy('millhand/sqlite', "await entry.sqlite(':memory:').open()")
  expect(sqlite).toBe(true)
  expect(files.filter((file) => file.includes('/backends/memory/'))).toEqual([])
})

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { loadModule } from '../../../src/core/load-module.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millhand-load-'))
})
afterEach(() => rm(folder, { recursive: true }))

describe('a file that cannot even be tried', () => {
  test('is not there: looked for where, or meant with its extension', async () => {
    const file = join(folder, 'mail')
    await expect(loadModule(file)).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining(`looked for ${file}`),
    })
    await writeFile(`${file}.ts`, '')
    await expect(loadModule(file)).rejects.toThrow(`did you mean ${file}.ts?`)
  })

  test('is a folder', async () => {
    await expect(loadModule(folder)).rejects.toThrow('is a folder; name the file in it')
  })

  test('is of a kind that Node does not load', async () => {
    const file = join(folder, 'mail.tsx')
    await writeFile(file, 'export {}')
    await expect(loadModule(file)).rejects.toMatchObject({ code: 'MODULE_LOAD' })
  })

  test('leaves no listener behind', async () => {
    const before = process.listenerCount('beforeExit')
    const file = join(folder, 'fine.mjs')
    await writeFile(file, 'export const a = 1')
    expect(await loadModule(file)).toMatchObject({ a: 1 })
    expect(process.listenerCount('beforeExit')).toBe(before)
  })
})

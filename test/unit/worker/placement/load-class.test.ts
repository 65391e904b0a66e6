import { describe, expect, test } from 'vitest'
import { loadClass } from '../../../../src/worker/placement/load-class.ts'
import * as probes from '../../../fixtures/placement/probe.ts'

const PROBE = new URL('../../../fixtures/placement/probe.ts', import.meta.url).href

describe('the class of a child', () => {
  test('is found by its exported name, and by its own name where that differs', async () => {
    expect(await loadClass(PROBE, 'ThreadProbe')).toBe(probes.ThreadProbe)
    expect(await loadClass(PROBE, 'ThreadHidden')).toBe(probes.Renamed)
  })

  test('must be exported', async () => {
    await expect(loadClass(PROBE, 'Gone')).rejects.toMatchObject({
      code: 'MODULE_LOAD',
      message: expect.stringContaining('does not export a class Gone, it exports ') as string,
    })
  })

  test('must be a worker', async () => {
    await expect(loadClass(PROBE, 'NotOurs')).rejects.toThrow('is not a class that extends Worker')
  })

  test('must be in a file that is there', async () => {
    await expect(loadClass('file:///nowhere/mail.ts', 'Mail')).rejects.toMatchObject({
      code: 'MODULE_LOAD',
      message: expect.stringContaining('cannot load /nowhere/mail.ts for Mail: ') as string,
    })
  })
})

import { describe, expect, it } from 'vitest'
import { Suspicion } from '../../../src/stream/suspicion.ts'

describe('which message kills its workers', () => {
  it('is the one in front at which so many lives have ended', () => {
    const suspicion = new Suspicion(3)
    for (let crash = 0; crash < 3; crash++) {
      expect(suspicion.isPoison(10)).toBe(false)
      suspicion.onCrash(10, 4)
    }
    expect(suspicion.isPoison(10)).toBe(true)
    expect(suspicion.isPoison(11)).toBe(false)
  })

  it('is none while lives get further, or die with nothing to read', () => {
    const suspicion = new Suspicion(2)
    suspicion.onCrash(10, 4)
    suspicion.onCrash(11, 4)
    expect(suspicion.isPoison(11)).toBe(false)
    suspicion.onCrash(11, 0)
    expect(suspicion.isUnderSuspicion).toBe(false)
  })
})

import { expect, onTestFinished, test, vi } from 'vitest'
import { isMadeHere, makeHere } from '../../../../src/worker/placement/child-scope.ts'

class Mailer {
  readonly isKnown: boolean
  readonly other: boolean

  constructor(readsOther: unknown) {
    this.isKnown = isMadeHere(new.target)
    this.other = isMadeHere(readsOther)
  }
}

test('only the class of a child may be made, and only while it is made', () => {
  class Other {}
  expect(isMadeHere(Mailer)).toBe(false)
  const made = makeHere(Mailer as new (options: never) => Mailer, Other)
  expect([made.isKnown, made.other, isMadeHere(Mailer)]).toEqual([true, false, false])
  class Broken {
    constructor() {
      throw new Error('cannot')
    }
  }
  expect(() => makeHere(Broken, {})).toThrow('cannot')
  expect(isMadeHere(Broken)).toBe(false)
})

test('what runs workers is refused in a child, with the way out; anywhere else it is not', async () => {
  // In modules of its own, before and after: nothing leads out of a child again.
  vi.resetModules()
  onTestFinished(() => void vi.resetModules())
  const { childScope, enterChild, refuseInChild } =
    await import('../../../../src/worker/placement/child-scope.ts')
  expect(childScope()).toBeUndefined()
  refuseInChild('Server.start')
  enterChild({ placement: 'thread', name: 'mail-1', className: 'Mailer', module: 'file:///mail.ts' })
  expect(() => refuseInChild('Server.start')).toThrow(expect.objectContaining({ code: 'INVALID_STATE' }))
  expect(() => refuseInChild('Server.start')).toThrow(
    'Server.start was reached in the thread of worker mail-1, which loads file:///mail.ts only for its class Mailer: ' +
      'put the class in a file of its own, or run the server only if (import.meta.main) or from another file',
  )
})

/** Who waits for room must get in, or a producer hangs or is refused although it waited. */
import { expect, test } from 'vitest'
import { Admission } from '../../../src/pool/admission.ts'

test('those who wait for room are let in one for each place, in their order', async () => {
  let waiting = 2
  const admission = new Admission(2, () => waiting)
  expect(() => admission.enter()).toThrow(expect.objectContaining({ code: 'POOL_FULL' }))
  const order: number[] = []
  const producers = [1, 2, 3].map(async (n) => {
    await admission.ready()
    admission.enter()
    waiting++
    order.push(n)
  })
  for (let n = 0; n < 3; n++) {
    waiting--
    admission.changed()
    await new Promise((resolve) => void setImmediate(resolve))
    expect(order).toHaveLength(n + 1)
  }
  await Promise.all(producers)
  expect(order).toEqual([1, 2, 3])
})

test('one that was let in gets in, although tasks have come back to wait meanwhile', async () => {
  let waiting = 0
  const admission = new Admission(1, () => waiting)
  await admission.ready()
  waiting = 5
  admission.enter()
  expect(() => admission.enter()).toThrow(expect.objectContaining({ code: 'POOL_FULL' }))
})

test('a place that was promised and not taken goes to the next', async () => {
  let waiting = 0
  const admission = new Admission(1, () => waiting)
  await admission.ready()
  await admission.ready()
  admission.enter()
  waiting = 1
  const shut = admission.ready()
  admission.shut(new Error('closed'))
  await expect(shut).rejects.toThrow('closed')
})

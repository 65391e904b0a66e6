import { expect, test } from 'vitest'
import { Crowd, type Member } from '../../../src/core/crowd.ts'

interface Named extends Member {
  readonly name: string
}

const named = (name: string): Named => ({ place: -1, name })
const namesOf = (crowd: Crowd<Named>): string[] => [...crowd].map(({ name }) => name).sort()

test('those who came are in it until they go, in whatever order they do', () => {
  const crowd = new Crowd<Named>()
  const [a, b, c] = [named('a'), named('b'), named('c')]
  for (const one of [a, b, c]) crowd.add(one)
  crowd.delete(a)
  expect(namesOf(crowd)).toEqual(['b', 'c'])
  crowd.delete(c)
  crowd.delete(b)
  expect(crowd.size).toBe(0)
})

test('who is in it cannot come again, who is not cannot go, and who went may come back', () => {
  const crowd = new Crowd<Named>()
  const [a, b] = [named('a'), named('b')]
  crowd.add(a)
  crowd.add(a)
  crowd.delete(b)
  expect(namesOf(crowd)).toEqual(['a'])
  crowd.delete(a)
  crowd.delete(a)
  crowd.add(b)
  crowd.add(a)
  expect(namesOf(crowd)).toEqual(['a', 'b'])
})

test('all who were in it are met, though each goes when it is met', () => {
  const crowd = new Crowd<Named>()
  for (const name of ['a', 'b', 'c', 'd']) crowd.add(named(name))
  const met: string[] = []
  for (const one of crowd) {
    met.push(one.name)
    crowd.delete(one)
  }
  expect(met.sort()).toEqual(['a', 'b', 'c', 'd'])
  expect(crowd.size).toBe(0)
})

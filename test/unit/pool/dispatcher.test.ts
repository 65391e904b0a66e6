/** Who gets which task, and when one comes back: else a task waits behind a long one while somebody is idle. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { CrewMember } from '../../../src/pool/crew-member.ts'
import { Dispatcher } from '../../../src/pool/dispatcher.ts'
import { Estimate } from '../../../src/pool/estimates.ts'
import { BACKLOGS, CALL } from '../../../src/pool/protocol.ts'
import { Task } from '../../../src/pool/task.ts'

// Some milliseconds of silence mean something: a pause of the machine is not to.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

/** Workers of which each has begun the first task that it was sent, and nothing else until it is told to. */
class Crew {
  readonly members: CrewMember[]
  readonly dispatcher: Dispatcher
  readonly #begun = new Map<CrewMember, number>()

  constructor(size: number, { canRecall = true, concurrency = 1 } = {}) {
    this.members = Array.from({ length: size }, () => this.#hire(canRecall, concurrency))
    this.dispatcher = new Dispatcher(new Set(this.members), () => {})
  }

  add(estimate: Estimate, count: number, crashes: number = 0): Task[] {
    const settings = { priority: 1, kind: CALL, timeoutMs: undefined, retries: 0, transfer: undefined }
    const tasks = Array.from({ length: count }, () => new Task('work', [], settings, estimate, () => {}))
    for (const task of tasks) {
      task.crashes = crashes
      this.dispatcher.waiting.push(task)
    }
    this.dispatcher.deal(true)
    return tasks
  }

  /** The first of those that a worker was sent has ended, and the next one begins. */
  end(member: CrewMember): void {
    const [number] = member.sent.numbers()
    member.take(number!)
    if (member.sent.size > 0) this.#begun.set(member, number! + 2)
    member.lastWordAt = performance.now()
    this.dispatcher.deal(true)
  }

  counts(): number[] {
    return this.members.map(({ sent }) => sent.size)
  }

  #hire(canRecall: boolean, concurrency: number): CrewMember {
    const member: CrewMember = new CrewMember(
      {
        canRecall,
        post: (message) => {
          if (!Array.isArray(message) || this.#begun.has(member)) return
          this.#begun.set(member, Math.floor((message[0] as number) / BACKLOGS) + 1)
        },
        readResults: () => {},
        begun: () => this.#begun.get(member) ?? 0,
        recall: (end) => {
          const from = this.#begun.get(member) ?? 0
          this.#begun.set(member, end)
          return canRecall ? from : undefined
        },
        terminate: () => {},
      },
      { concurrency, maxTasks: Infinity },
    )
    member.isReady(['work'])
    return member
  }
}

function learned(...micros: number[]): Estimate {
  const estimate = new Estimate()
  for (const each of micros) estimate.learn(each)
  return estimate
}
const SHORT = Array.from({ length: 50 }, () => 10)
const LONG = Array.from({ length: 50 }, () => 1_000_000)

describe('what is sent ahead', () => {
  test('is 2 ms of work that is always short', () => {
    const crew = new Crew(1)
    crew.add(learned(...SHORT), 1000)
    const [sent] = crew.counts()
    expect(sent).toBeGreaterThan(150)
    expect(sent).toBeLessThanOrEqual(256)
  })

  test('is one task where all take long, but about the same: its worker waits for nobody', () => {
    const crew = new Crew(2)
    crew.add(learned(...LONG), 10)
    expect(crew.counts()).toEqual([2, 2])
    crew.end(crew.members[0]!)
    expect(crew.counts()).toEqual([2, 2])
  })

  test('is none where some take much longer than others', () => {
    const crew = new Crew(2)
    crew.add(learned(...LONG, 1_000, 1_000, 30_000_000), 10)
    expect(crew.counts()).toEqual([1, 1])
  })

  test('is no long one to a worker from which nothing can be had back', () => {
    const crew = new Crew(2, { canRecall: false })
    crew.add(learned(...LONG), 10)
    expect(crew.counts()).toEqual([1, 1])
  })
})

describe('what waits behind another', () => {
  test('goes to a worker that has nothing to do, when nothing else waits', () => {
    const crew = new Crew(2)
    const tasks = crew.add(learned(...LONG), 4)
    const [first, second] = crew.members as [CrewMember, CrewMember]
    crew.end(first)
    crew.end(first)
    expect(crew.counts()).toEqual([1, 1])
    expect(crew.dispatcher.recalled).toBe(1)
    const left = [...first.sent.values(), ...second.sent.values()]
    expect(new Set(left)).toEqual(new Set([tasks[1], tasks[3]]))
  })

  test('stays where it is while all have something to do', () => {
    const crew = new Crew(2)
    crew.add(learned(...LONG), 4)
    crew.dispatcher.deal(true)
    expect(crew.dispatcher.recalled).toBe(0)
  })

  test('waits for anybody when the one in front takes longer than usual', () => {
    const crew = new Crew(2)
    crew.add(learned(...LONG), 4)
    const [first] = crew.members as [CrewMember]
    first.lastWordAt -= 1_900
    crew.dispatcher.deal(true)
    expect(crew.counts()).toEqual([2, 2])
    first.lastWordAt -= 200
    crew.dispatcher.deal(true)
    expect(crew.counts()).toEqual([1, 2])
    expect(crew.dispatcher.waiting.size).toBe(1)
  })

  test('waits in the order of the calls when it comes back from several', () => {
    const crew = new Crew(2)
    const tasks = Array.from({ length: 4 }, () => {
      vi.advanceTimersByTime(1)
      return crew.add(learned(...LONG), 1)[0]
    })
    expect(crew.counts()).toEqual([2, 2])
    for (const member of crew.members) member.lastWordAt -= 3_000
    crew.dispatcher.deal(true)
    const { waiting } = crew.dispatcher
    expect([waiting.shift(), waiting.shift(), waiting.shift()]).toEqual([tasks[2], tasks[3], undefined])
  })
})

describe('a task that may have ended a worker', () => {
  test('gets one to itself, and keeps nobody waiting meanwhile', () => {
    const crew = new Crew(2, { concurrency: 3 })
    const uneven = learned(...LONG, 1_000, 1_000, 30_000_000)
    crew.add(uneven, 3)
    expect(crew.counts()).toEqual([2, 1])
    crew.add(uneven, 1, 1)
    // Without it the second would have two of these.
    crew.add(uneven, 1)
    expect(crew.counts()).toEqual([3, 1])
    const [, second] = crew.members as [CrewMember, CrewMember]
    crew.end(second)
    expect([...second.sent.values()].map(({ crashes }) => crashes)).toEqual([1])
    expect(crew.dispatcher.waiting.size).toBe(0)
    // Nor does it get company.
    crew.add(uneven, 1)
    expect(crew.counts()).toEqual([3, 1])
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  handOver,
  HAND_OVER,
  isOver,
  type HandOverAction,
  type HandOverEvent,
  type HandOverState,
} from '../../../src/stream/hand-over.ts'

type Side = 'old' | 'new'
/** A mark says which life of the new slot was granted the partition. */
type Frame = number | 'barrier' | { readonly epoch: number }

/**
 * A world with one partition, two slots with rings, a store, and the machine between them. A state is the list of the
 * messages that were applied to it, so that whatever is lost, twice there or out of order can be seen.
 */
class World {
  readonly rings: Record<Side, Frame[]> = { old: [], new: [] }
  readonly states: Record<Side, number[] | undefined> = { old: [], new: undefined }
  /** What the new slot was sent before it owns the partition. */
  incoming: number[] | undefined
  /** The last message that each slot has committed. */
  readonly committed: Record<Side, number> = { old: 0, new: 0 }
  readonly held: number[] = []
  stored: number[] = []
  routedTo: Side | 'held' = 'old'
  owner: Side = 'old'
  state: HandOverState = 'copying'
  isCopying = true
  released: number[] | undefined
  /** On its way to the new slot; which life that is; and whether its ring has room at the moment. */
  granting: number[] | undefined
  epoch = 1
  hasRoom = true
  /** Events that are under way to the group, in the order of their sending. */
  readonly underWay: HandOverEvent[] = []
  sent = 0
  isGapDeclared = false

  send(): void {
    const message = ++this.sent
    if (this.routedTo === 'held') this.held.push(message)
    else this.rings[this.routedTo].push(message)
  }

  read(side: Side): void {
    const frame = this.rings[side][0]
    if (frame === undefined) return
    if (typeof frame === 'object' && frame.epoch === this.epoch && this.states[side] === undefined) return
    this.rings[side].shift()
    if (typeof frame === 'object') return
    if (frame === 'barrier') {
      // The state stays: the group may think better of it.
      if (this.isCopying) {
        this.released = [...this.states[side]!]
        this.underWay.push('released')
      }
      return
    }
    this.committed[side] = frame
    const state = this.states[side]
    if (state === undefined || frame <= (state.at(-1) ?? 0)) return
    state.push(frame)
  }

  save(): void {
    const state = this.states[this.owner]
    if (state !== undefined) this.stored = [...state]
  }

  copied(): void {
    if (this.isCopying && this.state === 'copying') this.underWay.push('copied')
  }

  granted(): void {
    if (this.granting === undefined) return
    this.states.new = this.granting
    this.granting = undefined
    this.underWay.push('installed')
  }

  deliver(): void {
    const event = this.underWay.shift()
    if (event !== undefined) this.on(event)
  }

  /** The worker dies, and its next life begins. */
  crash(side: Side): void {
    this.underWay.splice(
      0,
      this.underWay.length,
      ...this.underWay.filter((event) => (event === 'installed') !== (side === 'new')),
    )
    this.states[side] = undefined
    if (side === 'new') {
      this.incoming = undefined
      this.granting = undefined
      this.epoch++
    } else this.isCopying = false
    this.on(side === 'old' ? 'oldDied' : 'newDied')
    if (this.owner !== side) return
    const state = [...this.stored]
    const handledTo = Math.max(this.committed.old, this.committed.new)
    if (handledTo > (state.at(-1) ?? 0)) this.isGapDeclared = true
    this.states[side] = state
  }

  on(event: HandOverEvent): void {
    const { state, actions } = handOver(this.state, event)
    this.state = state
    for (const action of actions) this.act(action)
  }

  act(action: HandOverAction): void {
    switch (action) {
      case 'pause':
        this.routedTo = 'held'
        return
      case 'barrier':
        this.rings.old.push('barrier')
        return
      case 'own':
        this.owner = 'new'
        this.stored = [...this.released!]
        return
      case 'grant':
        this.granting = [...this.released!]
        if (!this.hasRoom) return
        this.rings.new.push({ epoch: this.epoch })
        return this.resume('new')
      case 'forgetOld':
        this.states.old = undefined
        this.isCopying = false
        return
      case 'clearOld':
        this.isCopying = false
        return
      case 'clearNew':
        this.incoming = undefined
        return
      case 'resumeOld':
      case 'resumeNew':
        this.resume(action === 'resumeOld' ? 'old' : 'new')
    }
  }

  resume(side: Side): void {
    this.routedTo = side
    this.rings[side].push(...this.held.splice(0))
  }

  finish(): void {
    while (!isOver(this.state)) {
      this.copied()
      this.read('old')
      this.granted()
      this.deliver()
    }
    while (this.rings.old.length > 0) this.read('old')
    while (this.rings.new.length > 0) this.read('new')
  }
}

const COMMANDS = [
  'send',
  'readOld',
  'readNew',
  'save',
  'copied',
  'granted',
  'deliver',
  'fill',
  'crashOld',
  'crashNew',
  'cancel',
] as const

function run(world: World, command: (typeof COMMANDS)[number]): void {
  if (command === 'send') world.send()
  else if (command === 'readOld') world.read('old')
  else if (command === 'readNew') world.read('new')
  else if (command === 'save') world.save()
  else if (command === 'copied') world.copied()
  else if (command === 'granted') world.granted()
  else if (command === 'fill') world.hasRoom = !world.hasRoom
  else if (command === 'deliver') world.deliver()
  else if (command === 'crashOld') world.crash('old')
  else if (command === 'crashNew') world.crash('new')
  else world.on('cancelled')
}

describe('the hand-over of a partition', () => {
  it('loses, repeats and swaps nothing, whoever dies and whenever it is called off; what a crash costs is declared', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...COMMANDS), { maxLength: 60 }), (commands) => {
        const world = new World()
        for (const command of commands) run(world, command)
        world.send()
        world.finish()
        const state = world.states[world.owner]!
        expect(state).toEqual([...state].sort((a, b) => a - b))
        expect(new Set(state).size).toBe(state.length)
        expect(state.at(-1)).toBe(world.sent)
        if (!world.isGapDeclared) expect(state).toHaveLength(world.sent)
        // Nobody else goes on with a state of it.
        expect(world.states[world.owner === 'old' ? 'new' : 'old']).toBeUndefined()
        expect(world.held).toEqual([])
      }),
      { numRuns: 2000 },
    )
  })

  it('goes through its states when nothing goes wrong', () => {
    const states: HandOverState[] = ['copying']
    for (const event of ['copied', 'released', 'installed'] as const) {
      states.push(handOver(states.at(-1)!, event).state)
    }
    expect(states).toEqual(['copying', 'draining', 'installing', 'moved'])
  })

  it('resumes whatever it has paused, on every way', () => {
    const ways = (state: HandOverState, isPaused: boolean): void => {
      if (isOver(state)) expect(isPaused).toBe(false)
      for (const step of Object.values(HAND_OVER[state])) {
        const resumes = step.actions.some((action) => action.startsWith('resume'))
        ways(step.state, (isPaused || step.actions.includes('pause')) && !resumes)
      }
    }
    ways('copying', false)
  })

  it('takes no notice of an event that comes too late', () => {
    expect(handOver('moved', 'oldDied')).toEqual({ state: 'moved', actions: [] })
    expect(handOver('kept', 'released')).toEqual({ state: 'kept', actions: [] })
    expect(handOver('installing', 'oldDied')).toEqual({ state: 'installing', actions: [] })
  })
})

import type { ProfileSlice } from '../case.ts'
import type { Result } from '../result.ts'

/** Everything that docs/performance.md shows. */
export interface Figures {
  readonly suites: readonly Result[]
  /** By store: where the time of its `process` case goes. */
  readonly profiles: Readonly<Record<string, readonly ProfileSlice[]>>
  readonly features: readonly Result[]
  readonly growth: readonly Result[]
}

export interface Point {
  readonly name: string
  readonly value: number
  readonly min: number
  readonly max: number
  /** It is Millhand's. */
  readonly own: boolean
}

/** The figures of a case side by side. A series of Millhand's own is in its order: Millhand's figure is the last. */
export function pointsOf({ label, millhand, peers }: Result): Point[] {
  const point = (name: string, { median, min, max }: typeof millhand, own: boolean): Point => {
    return { name, value: median, min, max, own }
  }
  const others = Object.entries(peers).map(([name, figure]) => point(name, figure, label !== 'Millhand'))
  const own = point(label, millhand, true)
  return label === 'Millhand' ? [own, ...others] : [...others, own]
}

/** What a job takes, in microseconds, by how many are done in a second. */
export function microseconds(perSecond: number): number {
  return 1e6 / perSecond
}

/** What a feature adds to the time of a job, in microseconds. */
export function costOf({ millhand, peers }: Result): number {
  return microseconds(millhand.median) - microseconds(Object.values(peers)[0]!.median)
}

/** `validation-sqlite` */
export function featureOf({ case: name }: Pick<Result, 'case'>): { feature: string; store: string } {
  const [feature = '', store = ''] = name.split('-')
  return { feature, store }
}

const LEAST_SHARE = 0.01

/** The slices that can be seen; the rest is one. */
export function shown(slices: readonly ProfileSlice[]): ProfileSlice[] {
  const large = slices.filter(({ share }) => share >= LEAST_SHARE)
  const rest = slices.filter(({ share }) => share < LEAST_SHARE)
  if (rest.length === 0) return large
  return [
    ...large,
    { place: `(${rest.length} others)`, share: rest.reduce((sum, { share }) => sum + share, 0) },
  ]
}

/** The slices of each room of src/, most first. */
export function byRoom(slices: readonly ProfileSlice[]): ProfileSlice[] {
  const rooms = new Map<string, number>()
  for (const { place, share } of slices) {
    const end = place.lastIndexOf('/')
    const room = place.startsWith('(') || end < 0 ? place : place.slice(0, end)
    rooms.set(room, (rooms.get(room) ?? 0) + share)
  }
  return [...rooms].map(([place, share]) => ({ place, share })).sort((a, b) => b.share - a.share)
}

import { Session, type Profiler, type Runtime } from 'node:inspector/promises'
import type { ProfileSlice } from './case.ts'
import { sourceOf } from './sources.ts'

/** Does the work under V8's sampling profiler. @returns where its time went, most first. */
export async function profiled(work: () => Promise<void>): Promise<ProfileSlice[]> {
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.setSamplingInterval', { interval: 200 })
  await session.post('Profiler.start')
  try {
    await work()
    const { profile } = await session.post('Profiler.stop')
    return slicesOf(profile, sourceOf)
  } finally {
    session.disconnect()
  }
}

/** Files whose native callees are the engine of a store, and what that is called. */
const ENGINES: Readonly<Record<string, string>> = { 'backends/sqlite/database': '(SQLite itself)' }

/**
 * The time of each file of ours, which `sourceOf` names. What a file calls outside of them (Node, a schema library) counts for that
 * file, since it is there because of it; only the engine of a store is set apart.
 */
export function slicesOf(
  { nodes, samples = [] }: Profiler.Profile,
  sourceOf: (frame: Runtime.CallFrame) => string | undefined,
): ProfileSlice[] {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const places = new Map<number, string>()
  const visit = (id: number, inherited: string): void => {
    const node = byId.get(id)!
    const place = placeOf(node, sourceOf) ?? engineOf(node, inherited) ?? inherited
    places.set(id, place)
    for (const child of node.children ?? []) visit(child, place)
  }
  const isChild = new Set(nodes.flatMap(({ children = [] }) => children))
  for (const { id } of nodes) if (!isChild.has(id)) visit(id, '(Node and the event loop)')

  const counts = new Map<string, number>()
  for (const sample of samples) {
    const place = places.get(sample)!
    counts.set(place, (counts.get(place) ?? 0) + 1)
  }
  return [...counts]
    .map(([place, count]) => ({ place, share: count / samples.length }))
    .sort((a, b) => b.share - a.share)
}

/** Undefined: it belongs to whoever called it. */
function placeOf(
  { callFrame }: Profiler.ProfileNode,
  sourceOf: (frame: Runtime.CallFrame) => string | undefined,
): string | undefined {
  const { functionName } = callFrame
  if (functionName === '(garbage collector)' || functionName === '(idle)') return functionName
  return sourceOf(callFrame)
}

function engineOf({ callFrame: { url } }: Profiler.ProfileNode, caller: string): string | undefined {
  return url === '' ? ENGINES[caller] : undefined
}

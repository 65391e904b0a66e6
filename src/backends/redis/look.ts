import type { LookRequest } from '../../queue/backend.ts'
import type { Store } from './store.ts'
import type { Watchers } from './watch.ts'

/**
 * One script for all queues, which hints and publishes by itself. In a Cluster queues are in many places: there each
 * looks for itself, at the queues that it watches.
 */
export async function look(store: Store, watchers: Watchers, request: LookRequest): Promise<boolean> {
  const { looker, termMs, neglectMs } = request
  const { keys } = store
  await store.open()
  if (!store.isWhole) {
    const args = ['', '0', String(neglectMs), '']
    const looks = watchers.queues.map(async (queue) => {
      const base = keys.base(queue)
      const [, busy] = (await store.runOn('look', base, [...args, base])) as [number, number[]]
      if (busy.length > 0) watchers.tell(queue)
    })
    await Promise.all(looks)
    return false
  }
  const queues = await store.queues()
  const bases = queues.map((queue) => keys.base(queue))
  const args = [looker, String(termMs), String(neglectMs), keys.looked, ...bases]
  const [looks, busy] = (await store.runOn('look', keys.looker, args)) as [number, number[]]
  if (looks === 1) return true
  for (const index of busy) watchers.tell(queues[index]!)
  return false
}

/**
 * Who should own which shard. Pure, and the same for all who see the same, so nobody need be in charge: each member
 * gives up what should not be its own and takes what should and is free. Views that differ for a moment do no harm,
 * for a lease has one owner whatever anybody believes.
 *
 * No member has more than one shard more than another, and no more shards than that takes leave an owner that is
 * there: members keep what they have up to their part, and the parts that are larger by one go to those who have
 * most already.
 *
 * @param members at least one; the order does not matter.
 * @param owners who owns which shard now; owners that are no members count for nothing.
 * @returns the owner of each shard, by its number.
 */
export function balance(
  shards: number,
  members: readonly string[],
  owners: ReadonlyMap<number, string>,
): string[] {
  const held = new Map<string, number[]>(members.toSorted().map((member) => [member, []]))
  const free: number[] = []
  for (let shard = 0; shard < shards; shard++) {
    const owner = owners.get(shard)
    const list = owner === undefined ? undefined : held.get(owner)
    if (list === undefined) free.push(shard)
    else list.push(shard)
  }
  const least = Math.floor(shards / held.size)
  let larger = shards % held.size
  // Stable: of two who have as many, the first by name.
  const byCount = [...held].toSorted(([, a], [, b]) => b.length - a.length)
  const parts = byCount.map(([member, list]) => ({ member, list, size: larger-- > 0 ? least + 1 : least }))
  const wanted: string[] = []
  for (const { member, list, size } of parts) {
    for (const shard of list.slice(0, size)) wanted[shard] = member
    free.push(...list.slice(size))
  }
  free.sort((a, b) => a - b)
  let next = 0
  for (const { member, list, size } of parts) {
    for (let count = list.length; count < size; count++) wanted[free[next++]!] = member
  }
  return wanted
}

import type { LookRequest } from '../../queue/backend.ts'
import type { Session } from './session.ts'
import { escaped, unescaped } from './text.ts'
import type { Watchers } from './watch.ts'

/** One statement, which also tells those who overhear it. Whatever it finds, which is rare, is told in another. */
export async function look(
  session: Session,
  { looker, termMs, neglectMs }: LookRequest,
  watchers: Watchers,
): Promise<boolean> {
  const { s } = session
  const [looks, busy] = await session.json<[boolean, string[] | null]>(
    `SELECT to_json(looks), to_json(busy) FROM ${s}.look($1, $2, $3, $4)`,
    [escaped(looker), String(Math.round(termMs)), String(Math.round(neglectMs)), watchers.channel],
  )
  const queues = busy?.map(unescaped) ?? []
  if (looks) watchers.woken(queues)
  else watchers.wokenHere(queues)
  return looks
}

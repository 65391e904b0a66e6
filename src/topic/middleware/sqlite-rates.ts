import { decide, type RateRule, type RateState } from './rate-rule.ts'
import type { RateStore } from './rate-store.ts'

/** A client of SQLite, as `node:sqlite` and `better-sqlite3` have it. */
export interface SqliteClient {
  exec(sql: string): unknown
  prepare(sql: string): {
    get(...values: (string | number)[]): unknown
    run(...values: (string | number)[]): unknown
  }
}

const TABLE = `create table if not exists millhand_rates (
  key text primary key, at real not null, first real not null, second real not null, expires real not null
) without rowid`
/** What is over for so many messages is swept out. */
const SWEEP_EVERY = 1000

/**
 * Keeps the counts in a SQLite file that several processes of one machine open:
 *
 *     const db = new DatabaseSync('rates.db', { timeout: 1000 })
 *     db.exec('pragma journal_mode = wal; pragma synchronous = off')
 *     router.use(rateLimit({ store: sqliteRates(db) }))
 *
 * The client must wait for a lock, as by `timeout` here. It is to be used for nothing else at the same time.
 */
export function sqliteRates(client: SqliteClient): RateStore {
  client.exec(TABLE)
  const read = client.prepare('select at, first, second from millhand_rates where key = ?')
  const write = client.prepare('replace into millhand_rates values (?, ?, ?, ?, ?)')
  const sweep = client.prepare('delete from millhand_rates where expires < ?')
  let takes = 0
  const taken = (key: string, rule: RateRule): number => {
    const row = read.get(key) as { at: number; first: number; second: number } | undefined
    const known: RateState | undefined = row === undefined ? undefined : [row.at, row.first, row.second]
    // All processes of the machine read the wall clock; the monotonic one begins anew when it boots.
    const now = Date.now()
    const { waitMs, state } = decide(rule, known, now)
    if (waitMs === 0) write.run(key, ...state, now + 2 * rule.windowMs)
    if (takes++ % SWEEP_EVERY === 0) sweep.run(now)
    return waitMs
  }
  return {
    take(key, rule) {
      client.exec('begin immediate')
      try {
        const waitMs = taken(key, rule)
        client.exec('commit')
        return waitMs
      } catch (error) {
        client.exec('rollback')
        throw error
      }
    },
  }
}

import { Client } from 'pg'
import type { Scale } from '../case.ts'

/** Of 16 MB each. */
const SEGMENTS = 60

/**
 * Each run has a database of its own, so none meets the dead rows and half-empty pages of another. The warm-up has
 * another than what follows it in the same process: some close their connections later than they say.
 */
export async function empty(url: string, scale: Scale): Promise<string> {
  // To drop one takes a checkpoint: a quick run leaves its small ones behind, until the server goes.
  const drops = scale !== 'quick'
  const name = drops ? `bench_${scale.replace('-', '_')}` : `bench_${process.pid}`
  await withClient(url, async (client) => {
    if (drops) await client.query(`drop database if exists ${name} with (force)`)
    await client.query(`create database ${name}`)
  })
  const database = new URL(url)
  database.pathname = `/${name}`
  return database.href
}

/**
 * Gives a new server what one has that is in use: segments of its log to write over again. To make one takes 50 ms,
 * for which everybody waits.
 */
export async function season(url: string): Promise<void> {
  await withClient(url, async (client) => {
    for (let segment = 0; segment < SEGMENTS; segment++) {
      await client.query(`select pg_logical_emit_message(false, 'bench', 'a segment begins')`)
      await client.query('select pg_switch_wal()')
    }
    await client.query('checkpoint')
  })
}

/** From now on, statements of new connections to the database of this URL are counted. */
export async function countStatements(url: string): Promise<void> {
  await withClient(url, async (client) => {
    await client.query('create extension if not exists pg_stat_statements')
    await client.query(
      `do $$ begin execute format('alter database %I set pg_stat_statements.track = top', current_database()); end $$`,
    )
  })
}

/** How many statements clients have sent to the database of this URL, those that begin and end transactions included. */
export function statementCount(url: string): Promise<number> {
  return withClient(url, async (client) => {
    // Ours are of this kind alone.
    await client.query(`set pg_stat_statements.track = 'none'`)
    const { rows } = await client.query<{ calls: string | null }>(
      `select sum(calls) as calls from pg_stat_statements
       where dbid = (select oid from pg_database where datname = current_database())
         and query not like 'set pg_stat_statements%'`,
    )
    return Number(rows[0]?.calls ?? 0)
  })
}

/** The bytes of all tables of users with their indexes. */
export function tableBytes(url: string): Promise<number> {
  return withClient(url, async (client) => {
    const { rows } = await client.query<{ bytes: string }>(
      `select coalesce(sum(pg_total_relation_size(c.oid)), 0) as bytes
       from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where c.relkind = 'r' and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')`,
    )
    return Number(rows[0]!.bytes)
  })
}

/** Opens a transaction that does nothing more once it has its snapshot, until it is told to end. */
export async function holdSnapshot(url: string): Promise<() => Promise<void>> {
  const client = new Client({ connectionString: url })
  await client.connect()
  await client.query('begin isolation level repeatable read')
  await client.query('select txid_current()')
  return async () => {
    await client.query('rollback')
    await client.end()
  }
}

export async function withClient<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

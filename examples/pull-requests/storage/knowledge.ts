import type { DatabaseSync } from 'node:sqlite'
import type { Check, Pull, PullDetails, Repository } from '../model.ts'

type Row = Record<string, string | number | null>

/**
 * What the deliveries have said so far. They come twice, late and in any order, so what is known is never replaced
 * by something older, nor by less.
 */
export class Knowledge {
  readonly #database: DatabaseSync

  constructor(database: DatabaseSync) {
    this.#database = database
  }

  learnRepository({ id, fullName }: Repository): void {
    this.#database
      .prepare(
        'INSERT INTO repository VALUES (?, ?) ON CONFLICT DO UPDATE SET full_name = excluded.full_name',
      )
      .run(id, fullName)
  }

  /** A reference teaches that the pull request is there; only details teach where its head is now. */
  learnPull({ id, repositoryId, number, headSha, details }: Pull): void {
    this.#database
      .prepare(
        `INSERT INTO known_pull VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET head_sha = excluded.head_sha, details = excluded.details
         WHERE excluded.details IS NOT NULL
           AND (details IS NULL OR details ->> 'updatedAt' <= excluded.details ->> 'updatedAt')`,
      )
      .run(id, repositoryId, number, headSha, details === null ? null : JSON.stringify(details))
  }

  /** A check that has ended stays ended, whatever a late delivery says. */
  learnCheck({ id, repositoryId, headSha, name, conclusion, log }: Check): void {
    this.#database
      .prepare(
        `INSERT INTO known_check VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET conclusion = excluded.conclusion, log = excluded.log
         WHERE excluded.conclusion IS NOT NULL`,
      )
      .run(id, repositoryId, headSha, name, conclusion, log)
  }

  repositories(): Repository[] {
    return this.#all('SELECT * FROM repository ORDER BY id').map(toRepository)
  }

  repository(id: number): Repository | undefined {
    return this.#all('SELECT * FROM repository WHERE id = ?', id).map(toRepository)[0]
  }

  pull(id: number): Pull | undefined {
    return this.#all('SELECT * FROM known_pull WHERE id = ?', id).map(toPull)[0]
  }

  pullsOf(repositoryId: number): Pull[] {
    return this.#all('SELECT * FROM known_pull WHERE repository_id = ? ORDER BY number', repositoryId).map(
      toPull,
    )
  }

  checksOf(repositoryId: number, headSha: string): Check[] {
    const sql = 'SELECT * FROM known_check WHERE repository_id = ? AND head_sha = ? ORDER BY id'
    return this.#all(sql, repositoryId, headSha).map(toCheck)
  }

  #all(sql: string, ...values: (string | number)[]): Row[] {
    return this.#database.prepare(sql).all(...values) as Row[]
  }
}

function toRepository(row: Row): Repository {
  return { id: Number(row['id']), fullName: String(row['full_name']) }
}

function toPull(row: Row): Pull {
  const details = row['details'] ?? null
  return {
    id: Number(row['id']),
    repositoryId: Number(row['repository_id']),
    number: Number(row['number']),
    headSha: String(row['head_sha']),
    details: details === null ? null : (JSON.parse(String(details)) as PullDetails),
  }
}

function toCheck(row: Row): Check {
  const conclusion = row['conclusion'] ?? null
  return {
    id: Number(row['id']),
    repositoryId: Number(row['repository_id']),
    headSha: String(row['head_sha']),
    name: String(row['name']),
    conclusion: conclusion === null ? null : String(conclusion),
    log: String(row['log']),
  }
}

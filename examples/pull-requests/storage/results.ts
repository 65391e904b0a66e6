import type { DatabaseSync } from 'node:sqlite'
import { complexity } from '../complexity.ts'
import type { Fix, Pull, Repository } from '../model.ts'

/** A pull request as the read API shows it. What is not known yet is null. */
export interface PullResult {
  readonly id: number
  readonly repository: string
  readonly number: number
  readonly headSha: string
  readonly title: string | null
  readonly author: string | null
  readonly state: 'open' | 'closed' | null
  readonly draft: boolean | null
  readonly merged: boolean | null
  readonly changedFiles: number | null
  readonly changedLines: number | null
  readonly complexity: number | null
  /** GitHub's time of its last change. */
  readonly updatedAt: string | null
}

export interface AnalysisResult {
  readonly checkRunId: number
  readonly pullId: number
  readonly category: string
  readonly strategy: string
  readonly confidence: number
}

export interface FixResult extends Fix {
  readonly pullId: number
  readonly confidence: number
  /** `proposed` on GitHub, or `noted` here for a human to decide. */
  readonly outcome: 'proposed' | 'noted'
}

/** What saving a pull request found: it was not known, or looks different now, or is as it was. */
export type Change = 'created' | 'updated' | 'unchanged'

type Row = Record<string, string | number | null>

/**
 * What the jobs have found out. A job runs at least once, so every write may come a second time, and then changes
 * nothing.
 */
export class Results {
  readonly #database: DatabaseSync

  constructor(database: DatabaseSync) {
    this.#database = database
  }

  /**
   * @param jobId who saves it. The answer is the same when that job runs again: should it die between this write
   * and its end, its second run must not take its own row for something that was there before.
   */
  savePull({ fullName }: Repository, pull: Pull, jobId: string): Change {
    const { id, number, headSha, details } = pull
    this.#database
      .prepare(
        `INSERT INTO pull VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET
           repository = excluded.repository, head_sha = excluded.head_sha, title = excluded.title,
           author = excluded.author, state = excluded.state, draft = excluded.draft, merged = excluded.merged,
           changed_files = excluded.changed_files, changed_lines = excluded.changed_lines,
           complexity = excluded.complexity, updated_at = excluded.updated_at,
           changed_by = excluded.changed_by
         WHERE excluded.updated_at IS NOT NULL AND (updated_at IS NULL OR updated_at < excluded.updated_at)`,
      )
      .run(
        id,
        fullName,
        number,
        headSha,
        details?.title ?? null,
        details?.author ?? null,
        details?.state ?? null,
        details === null ? null : Number(details.draft),
        details === null ? null : Number(details.merged),
        details?.changedFiles ?? null,
        details?.changedLines ?? null,
        details === null ? null : complexity(details.changedFiles, details.changedLines),
        details?.updatedAt ?? null,
        jobId,
        jobId,
      )
    const row = this.#database.prepare('SELECT created_by, changed_by FROM pull WHERE id = ?').get(id)
    if (row?.['created_by'] === jobId) return 'created'
    return row?.['changed_by'] === jobId ? 'updated' : 'unchanged'
  }

  saveAnalysis({ checkRunId, pullId, category, strategy, confidence }: AnalysisResult): void {
    this.#database
      .prepare('INSERT OR REPLACE INTO analysis VALUES (?, ?, ?, ?, ?)')
      .run(checkRunId, pullId, category, strategy, confidence)
  }

  saveFix({ id, pullId, strategy, content, confidence, outcome }: FixResult): void {
    this.#database
      .prepare('INSERT OR REPLACE INTO fix VALUES (?, ?, ?, ?, ?, ?)')
      .run(id, pullId, strategy, content, confidence, outcome)
  }

  /** Pull requests in the order of their ids; pass the last id as `after` to go on. */
  pulls(after = 0, limit = 100): PullResult[] {
    const sql = 'SELECT * FROM pull WHERE id > ? ORDER BY id LIMIT ?'
    return (this.#database.prepare(sql).all(after, limit) as Row[]).map(toPullResult)
  }

  pull(id: number): PullResult | undefined {
    const row = this.#database.prepare('SELECT * FROM pull WHERE id = ?').get(id)
    return row === undefined ? undefined : toPullResult(row as Row)
  }

  analyses(pullId: number): AnalysisResult[] {
    return this.#database
      .prepare(
        `SELECT check_run_id AS checkRunId, pull_id AS pullId, category, strategy, confidence
         FROM analysis WHERE pull_id = ? ORDER BY check_run_id`,
      )
      .all(pullId) as unknown as AnalysisResult[]
  }

  fixes(pullId: number): FixResult[] {
    return this.#database
      .prepare(
        `SELECT id, pull_id AS pullId, strategy, content, confidence, outcome
         FROM fix WHERE pull_id = ? ORDER BY id`,
      )
      .all(pullId) as unknown as FixResult[]
  }

  /** How much there is of everything. */
  counts(): { pulls: number; analyses: number; fixes: number } {
    const count = (table: string): number =>
      Number(this.#database.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.['n'])
    return { pulls: count('pull'), analyses: count('analysis'), fixes: count('fix') }
  }
}

function toPullResult(row: Row): PullResult {
  const text = (name: string): string | null => (row[name] === null ? null : String(row[name]))
  const number = (name: string): number | null => (row[name] === null ? null : Number(row[name]))
  const flag = (name: string): boolean | null => (row[name] === null ? null : row[name] === 1)
  return {
    id: Number(row['id']),
    repository: String(row['repository']),
    number: Number(row['number']),
    headSha: String(row['head_sha']),
    title: text('title'),
    author: text('author'),
    state: text('state') as PullResult['state'],
    draft: flag('draft'),
    merged: flag('merged'),
    changedFiles: number('changed_files'),
    changedLines: number('changed_lines'),
    complexity: number('complexity'),
    updatedAt: text('updated_at'),
  }
}

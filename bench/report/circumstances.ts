import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, release, totalmem, type } from 'node:os'
import { BENCH } from '../places.ts'

/** What figures depend on, as lines of Markdown: machine, versions, date. */
export function circumstances(): string[] {
  const gib = (totalmem() / 1024 ** 3).toFixed(0)
  const { node, v8, sqlite } = process.versions
  const cpu = cpus()[0]?.model.trim() ?? 'unknown processor'
  return [
    `Machine: ${availableParallelism()} x ${cpu}, ${gib} GiB of memory, ${type()} ${release()}, ${process.arch}.`,
    `Node ${node} (V8 ${v8}), SQLite ${sqlite ?? 'unknown'} in it.`,
    `Peers: ${peers().join(', ')}.`,
    `Date: ${new Date().toISOString().slice(0, 10)}.`,
  ]
}

function peers(): string[] {
  const manifest = JSON.parse(readFileSync(new URL('package.json', BENCH), 'utf8')) as {
    readonly dependencies: Readonly<Record<string, string>>
  }
  const measured = ['plainjob', 'better-sqlite3', 'fastq', 'p-queue']
  return measured.map((name) => `${name} ${manifest.dependencies[name] ?? ''}`.trim())
}

/** Counts the words of large files: ranges of them are read in threads, and what is found streams back. */
import { WorkerPool } from 'millhand/pool'
import { lineRanges, type Range } from './line-ranges.ts'
import { readOptions } from './options.ts'

const { files, top, workers, rangeBytes } = readOptions(process.argv.slice(2))
const module = new URL('./count-words.ts', import.meta.url)
const pool = new WorkerPool<typeof import('./count-words.ts')>(module, { max: workers })

const counts = new Map<string, number>()
let [words, bytes, totalBytes] = [0, 0, 0]

try {
  const ranges = (await Promise.all(files.map((file) => lineRanges(file, rangeBytes)))).flat()
  for (const { start, end } of ranges) totalBytes += end - start
  await Promise.all(ranges.map(count))
  for (const [word, n] of mostFrequent()) console.log(`${String(n).padStart(7)} ${word}`)
} catch (error) {
  console.error(`error: ${(error as Error).message}`)
  process.exitCode = 1
} finally {
  // After an error nobody needs the rest.
  await pool.close({ timeout: 0 })
}

/** Merges what is found in a range as it comes. A thread that is ahead waits, so that little of it is in memory. */
async function count({ path, start, end }: Range): Promise<void> {
  for await (const part of pool.stream('countWords', [path, start, end])) {
    for (const [word, n] of part.counts) {
      counts.set(word, (counts.get(word) ?? 0) + n)
      words += n
    }
    tellProgress(part.bytes)
  }
}

function tellProgress(more: number): void {
  const tenths = Math.floor((10 * bytes) / totalBytes)
  bytes += more
  const now = Math.floor((10 * bytes) / totalBytes)
  if (now > tenths) console.error(`${now * 10} %: ${words} words, ${counts.size} different ones`)
}

function mostFrequent(): (readonly [string, number])[] {
  const byCount = [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
  return byCount.slice(0, top)
}

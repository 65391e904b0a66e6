/** Runs code of strangers: the files that are named, or else a few demonstrations. One line of JSON for each. */
import { readFile } from 'node:fs/promises'
import { DEMONSTRATIONS } from './demonstrations.ts'
import { Sandbox } from './sandbox.ts'

const files = process.argv.slice(2)
const sandbox = new Sandbox()
try {
  for (const [name, code] of files.length > 0 ? await readAll(files) : Object.entries(DEMONSTRATIONS)) {
    console.log(JSON.stringify({ name, ...(await sandbox.run({ code, input: [1, 2, 3] })) }))
  }
} catch (error) {
  console.error(`error: ${(error as Error).message}`)
  process.exitCode = 1
} finally {
  await sandbox.close()
}

function readAll(paths: readonly string[]): Promise<[string, string][]> {
  return Promise.all(
    paths.map(async (path): Promise<[string, string]> => [path, await readFile(path, 'utf8')]),
  )
}

import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'

/** What is known of one file, to find it again when it was renamed or copied, or when another took its place. */
const file = z.object({
  /** Random, given when the file was first seen: stays the same across renames and restarts. */
  id: z.string(),
  /** Device and inode. */
  key: z.string(),
  /** The next line to read begins here, bytes. */
  offset: z.number().int().nonnegative(),
  /** The offset is inside a line that was cut. */
  isSkipping: z.boolean(),
  /** It was renamed, and read to its end. */
  isFinished: z.boolean(),
  /** The bytes before some of the offsets, base64, the newest last. They tell whether a file is still the same. */
  marks: z.array(z.object({ offset: z.number(), bytes: z.string() })),
})

const checkpoint = z.object({ version: z.literal(1), files: z.array(file) })

export type FileState = z.infer<typeof file>

/** How far a log was read. Undefined when it never was. @throws when the file is there but is no checkpoint. */
export async function loadCheckpoint(path: string): Promise<FileState[] | undefined> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  try {
    return checkpoint.parse(JSON.parse(text)).files
  } catch (cause) {
    // Beginning anew would send every line again, so that is left to whoever knows better.
    throw new Error(`${path} is not a checkpoint of this program; remove it to read the log from its start`, {
      cause,
    })
  }
}

/** Replaces the checkpoint in one step: whoever dies here leaves the old one or the new one, never half of it. */
export async function saveCheckpoint(path: string, files: readonly FileState[]): Promise<void> {
  const temporary = `${path}.new`
  await mkdir(dirname(path), { recursive: true })
  const handle = await open(temporary, 'w')
  try {
    await handle.writeFile(JSON.stringify({ version: 1, files }))
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(temporary, path)
}

/** The thread of a guard. It waits for a question, or for the end of the line. */
import { Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { GUARD_FD, type Answer, type Question } from './guard.ts'
import { sampleMainThread } from './main-stack.ts'

/** A process whose loop runs stops its worker and ends by itself within 3 s. */
const ORPHAN_MS = 3500

const line = new Socket({ fd: GUARD_FD, readable: true, writable: true })
line.on('error', () => {})
line.on('close', () => {
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), ORPHAN_MS)
})
createInterface(line).on('line', (text) => void answer(JSON.parse(text) as Question))

async function answer({ id }: Question): Promise<void> {
  const { stack } = await sampleMainThread()
  const said: Answer = { id, stack }
  line.write(`${JSON.stringify(said)}\n`)
}

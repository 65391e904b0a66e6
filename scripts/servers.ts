/** Sees to it that the servers which the tests start are installed: the step `servers` of `npm test`. */
import { ensureInstalled } from '../test/servers/ensure.ts'

try {
  ensureInstalled()
} catch (error) {
  console.error((error as Error).message)
  process.exitCode = 1
}

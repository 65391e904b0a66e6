import type { Suite } from '../case.ts'
import { startCases } from './server-starts.ts'
import { supervisionCases } from './server-supervision.ts'

/** Workers in threads and processes, and the server that minds them. */
export const suite: Suite = { name: 'server', cases: [...startCases, ...supervisionCases] }

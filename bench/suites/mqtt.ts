import type { Suite } from '../case.ts'
import { matchCases } from './mqtt-match.ts'
import { messageCases } from './mqtt-messages.ts'

/** Topics: how their routes are found, and what a message costs whoever handles it. */
export const suite: Suite = { name: 'mqtt', server: 'mosquitto', cases: [...matchCases, ...messageCases] }

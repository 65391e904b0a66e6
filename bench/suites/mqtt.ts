import type { Suite } from '../case.ts'
import { messageCases } from './mqtt-messages.ts'

/** Topics: what a message costs whoever handles it. */
export const suite: Suite = { name: 'mqtt', server: 'mosquitto', cases: [...messageCases] }

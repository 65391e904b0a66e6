import { ThreadWorker } from 'poolifier'
import { cpu100us, cpu10ms, mixed, noop, stamp } from '../../loads/pool/tasks.mjs'

export default new ThreadWorker({ noop, cpu100us, cpu10ms, mixed, stamp })

/** What is served over HTTP: `millhand/http`. */
export { ProbeServer, type ProbeServerOptions } from './probe-server.ts'
export type { Probed } from './probe-answer.ts'

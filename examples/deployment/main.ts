/** The program that the files beside it deploy: a queue of mail in a SQLite file, and the worker that sends it. */
import { Queue, Server } from 'millhand'
import { sqlite } from 'millhand/sqlite'

export const mail = new Queue('mail', { backend: sqlite(process.env['DATABASE'] ?? 'jobs.db') })

const mailer = mail.worker(
  { welcome: (job) => console.log(`welcome, ${JSON.stringify(job.payload)}`) },
  { name: 'mailer', concurrency: 20 },
)

/** Whoever stops this process has to give it longer than that. */
export const server: Server = new Server({ shutdownTimeout: '30s' }).add(mailer)

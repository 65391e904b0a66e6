/** What the samples of the guide use without saying where it comes from. */
import type { BatchResult, EventWorker, Queue } from 'millhand'
import type { z } from 'zod'

interface MailJobs {
  [type: string]: z.ZodType
  welcome: z.ZodObject<{ to: z.ZodEmail; language: z.ZodDefault<z.ZodString> }>
  digest: z.ZodObject<{ userId: z.ZodString }>
}

declare global {
  const mail: Queue<Pick<MailJobs, 'welcome' | 'digest'>>
  const mailWorker: EventWorker
  function send(to: string, options?: { signal: AbortSignal }): Promise<void>
  function sendAll(payloads: readonly unknown[]): Promise<BatchResult[]>
  function isAwake(userId: string): Promise<boolean>
  function writeReport(userId: string): Promise<string>
  function openLog(path: string): Promise<object>
  function closeLog(log: unknown): void
  function look(path: string, options: { signal: AbortSignal }): Promise<void>
  const db: { run(sql: string, values: readonly unknown[]): Promise<{ changes: number }> }
}

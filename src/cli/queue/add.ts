import { Option, type Command } from 'commander'
import { repeated, span, timeOfDay, wholeNumber } from '../arguments.ts'
import { examples } from '../examples.ts'
import { readPayload } from '../payload.ts'
import type { Session } from '../session.ts'
import { withStore, withStoreOptions, type StoreOptions } from '../store.ts'

interface Options extends StoreOptions {
  readonly priority?: number
  readonly delay?: number
  readonly runAt?: Date
  readonly id?: string
  readonly tag?: readonly string[]
  readonly maxRetries?: number
}

/** `millhand queue add <queue> <type> [json]` */
export function addAdd(parent: Command, session: Session): void {
  const command = parent
    .command('add')
    .argument('<queue>', 'made at its first job')
    .argument('<type>', 'the job type')
    .argument('[json]', 'the payload; - reads it from standard input (default: null)')
  withStoreOptions(command)
    .description('add a job; it is not checked against the schema that its worker may have')
    .option('--priority <number>', '0 to 1000, higher is more urgent (default: 1)', wholeNumber(0))
    .addOption(
      new Option('--delay <duration>', 'not before this is over, such as 30s or 1h30m')
        .argParser(span)
        .conflicts('runAt'),
    )
    .option('--run-at <time>', 'not before, such as 2026-03-01T08:30 or 2026-03-01T08:30:00Z', timeOfDay)
    .option('--id <id>', 'an id of your own: adding it again changes nothing')
    .option('--tag <tag>', 'to find it by; may be given several times', repeated)
    .option('--max-retries <count>', 'how often a failed attempt is tried again', wholeNumber(0))
    .addHelpText(
      'after',
      examples(
        `millhand queue add mail welcome '{"to":"ada@example.org"}'`,
        'millhand queue add mail digest - --delay 1h --tag nightly < digest.json',
        `millhand queue add mail welcome '{"to":"ada@example.org"}' --id welcome-ada --json`,
      ),
    )
    .action(async (name: string, type: string, json: string | undefined, options: Options) => {
      // Read before the store is opened: standard input may take its time.
      const payload = await readPayload(json, session.stdin)
      await withStore(session, options, true, async (store) => {
        const added = await store.queue(name).add(type, payload, {
          ...(options.priority !== undefined && { priority: options.priority }),
          ...(options.delay !== undefined && { delay: options.delay }),
          ...(options.runAt !== undefined && { runAt: options.runAt }),
          ...(options.id !== undefined && { id: options.id }),
          ...(options.tag !== undefined && { tags: options.tag }),
          ...(options.maxRetries !== undefined && { maxRetries: options.maxRetries }),
        })
        const text =
          added.status === 'added'
            ? `added ${added.id} to ${name}`
            : `${name} knew ${added.id} already and left it as it is`
        await session.answer(added, text)
      })
    })
}

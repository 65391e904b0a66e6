import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { addList } from './dead/list.ts'
import { addPurge } from './dead/purge.ts'
import { addReplay } from './dead/replay.ts'
import { addShow as addShowDead } from './dead/show.ts'
import { examples } from './examples.ts'
import { EXIT_FAILED, report } from './failure.ts'
import { addPublish } from './mqtt/publish.ts'
import { addRoutes } from './mqtt/routes.ts'
import { addRun as addRunMqtt } from './mqtt/run.ts'
import { addAdd } from './queue/add.ts'
import { addCancel } from './queue/cancel.ts'
import { addJobs } from './queue/jobs.ts'
import { addPause } from './queue/pause.ts'
import { addResume } from './queue/resume.ts'
import { addShow } from './queue/show.ts'
import { addStats } from './queue/stats.ts'
import { addRun } from './run.ts'
import { Session, type Surroundings } from './session.ts'

/**
 * The command `millhand`.
 * @param argv what follows the name of the command.
 * @returns the exit code: 0 when it worked, 1 when it failed or what was named is not there, 2 for wrong usage.
 * Never rejects.
 */
export async function main(argv: readonly string[], surroundings: Surroundings = process): Promise<number> {
  const session = new Session(argv, surroundings)
  // What the parser itself writes, help and version; written for good before `main` returns.
  const written: Promise<void>[] = []
  try {
    await program(session, written).parseAsync(argv, { from: 'user' })
  } catch (error) {
    session.exitCode = await report(error, session)
  }
  const failed = (await Promise.allSettled(written)).some(({ status }) => status === 'rejected')
  return failed ? EXIT_FAILED : session.exitCode
}

function program(session: Session, written: Promise<void>[]): Command {
  const command = new Command('millhand')
    .description('Runs workers, and looks after the queues and topics that feed them.')
    .version(version(), '-v, --version')
    // Inherited by the commands that are made below, so it comes first. Errors are told of by `report`.
    .exitOverride()
    .configureOutput({
      writeOut: (text) => written.push(session.out.write(text)),
      writeErr: (text) => written.push(session.err.write(text).catch(() => {})),
      outputError: () => {},
    })
    .addHelpText(
      'after',
      examples(
        'millhand run mail.ts',
        'export MILLHAND_BACKEND=sqlite:jobs.db',
        'millhand queue stats',
        'millhand dead replay mail --all',
        'millhand mqtt run routers/',
      ),
    )
  addRun(command, session)
  const queue = command.command('queue').description('look at queues and their jobs, and steer them')
  for (const add of [addStats, addJobs, addShow, addAdd, addPause, addResume, addCancel]) add(queue, session)
  const dead = command
    .command('dead')
    .description('look at jobs that failed for good; run them again or remove them')
  for (const add of [addList, addShowDead, addReplay, addPurge]) add(dead, session)
  const mqtt = command.command('mqtt').description('serve the topics of an MQTT broker, and publish to it')
  for (const add of [addRoutes, addRunMqtt, addPublish]) add(mqtt, session)
  return command
}

function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  return String((manifest as { version: unknown }).version)
}

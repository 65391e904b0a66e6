import { parseArgs } from 'node:util'

export interface Options {
  /** Undefined: an embedded one. */
  readonly broker: string | undefined
  readonly db: string
  readonly devices: number
  readonly minutes: number
  readonly once: boolean
  readonly json: boolean
}

const USAGE = `usage: npm run example:telemetry -- [options]

Takes what a fleet of devices measures, and keeps it in SQLite: the readings, and a summary of each minute.

  --broker URL   the broker (default: one in this process), such as mqtt://localhost:1883
  --db FILE      where it is kept (default: .millhand/telemetry.db)
  --devices N    so many are simulated; 0 for none (default: 20)
  --once         the simulated devices send some minutes at once; ends with a summary when all is stored
  --minutes N    so many minutes, with --once (default: 10)
  --json         the summary as one line of JSON`

/** Reads the command line. What is wrong with it, and --help, ends the process. */
export function readOptions(args: readonly string[]): Options {
  try {
    return parse(args)
  } catch (error) {
    console.error(`error: ${(error as Error).message}\n\n${USAGE}`)
    process.exit(1)
  }
}

function parse(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      broker: { type: 'string' },
      db: { type: 'string', default: '.millhand/telemetry.db' },
      devices: { type: 'string', default: '20' },
      minutes: { type: 'string', default: '10' },
      once: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    console.log(USAGE)
    process.exit(0)
  }
  const devices = whole('devices', values.devices, values.once ? 1 : 0, 10_000)
  return { ...values, broker: values.broker, devices, minutes: whole('minutes', values.minutes, 1, 1440) }
}

function whole(option: string, text: string, least: number, most: number): number {
  const number = Number(text)
  if (Number.isInteger(number) && number >= least && number <= most) return number
  throw new Error(`expected --${option} to be a whole number from ${least} to ${most}, got: ${text}`)
}

/**
 * Injects faults into real worker processes, and compares what their jobs noted with what the queue says:
 *
 *     npm run chaos -- sqlite [--quick] [--json] [--case kill] [--seed 1]
 *     npm run chaos -- redis [--quick] [--json] [--case outages] [--seed 1]
 *     npm run chaos -- server [--quick] [--json] [--case reload] [--seed 1]
 *     npm run chaos -- mqtt [--quick] [--json] [--case crash] [--seed 1]
 *     npm run chaos -- stream [--quick] [--json] [--case mixed] [--seed 1]
 *
 * Ends with 1 when a job was lost or ran twice without a reason, or anything else was wrong. See README.md.
 */
import { parseArguments, UsageError, type Arguments } from './arguments.ts'
import { MQTT_SUITE, mqttSuite } from './mqtt/suite.ts'
import { isWell, jsonLine, serverJsonLine } from './report.ts'
import { runSuite } from './run-suite.ts'
import { SERVER_SUITE, serverSuite } from './server/suite.ts'
import { STREAM_SUITE, streamSuite } from './stream/suite.ts'
import { SUITES } from './suites.ts'

async function main(args: Arguments, signal: AbortSignal): Promise<void> {
  const { suite: name, quick, json, only, seed } = args
  // Standard output belongs to the one line that scripts read.
  const say = json ? (text: string) => console.error(text) : (text: string) => console.log(text)
  if (name === SERVER_SUITE) {
    say(`chaos ${name}, seed ${seed}${quick ? ', quick: as many runs as fit' : ''}`)
    if (!(await serverSuite(args, { signal, say }))) process.exitCode = 1
    return
  }
  if (name === MQTT_SUITE) {
    say(`chaos ${name}, seed ${seed}${quick ? ', quick: fewer faults' : ''}`)
    if (!(await mqttSuite(args, { signal, say }))) process.exitCode = 1
    return
  }
  if (name === STREAM_SUITE) {
    say(`chaos ${name}, seed ${seed}${quick ? ', quick: fewer faults' : ''}`)
    if (!(await streamSuite(args, { signal, say }))) process.exitCode = 1
    return
  }
  const suite = SUITES[name]!
  const cases = suite.cases.filter((each) => (only === undefined ? each.quick || !quick : each.name === only))
  if (cases.length === 0) {
    throw new UsageError(
      `expected a case out of ${suite.cases.map((each) => each.name).join(', ')}, got: ${only}`,
    )
  }
  say(`chaos ${name}, seed ${seed}${quick ? ', quick: fewer and shorter cases, shorter leases' : ''}`)
  const results = await runSuite(suite, cases, { scale: quick ? 'quick' : 'full', seed, signal, say })
  if (json) console.log(suite.store.isServer ? serverJsonLine(results) : jsonLine(results))
  if (![...results.values()].every(isWell)) process.exitCode = 1
}

const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
try {
  const suites = [...Object.keys(SUITES), SERVER_SUITE, MQTT_SUITE, STREAM_SUITE]
  await main(parseArguments(process.argv.slice(2), suites), stop.signal)
} catch (error) {
  const text =
    error instanceof UsageError ? error.message : error instanceof Error ? error.stack : String(error)
  console.error(stop.signal.aborted ? 'interrupted' : text)
  process.exitCode = 1
  // Ends what the case that failed has left running, here and elsewhere.
  stop.abort()
  process.exit()
}

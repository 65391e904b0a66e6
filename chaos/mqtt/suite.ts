import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureInstalled } from '../../test/servers/ensure.ts'
import { UsageError, type Arguments } from '../arguments.ts'
import { MQTT_CASES } from './cases.ts'
import { isWell, jsonLine, outcomeText, type Outcome } from './outcome.ts'

export const MQTT_SUITE = 'mqtt'

/** Workers of topics, their broker and the way between are hit. @returns true when nothing was wrong. */
export async function mqttSuite(
  { quick, json, only, seed }: Arguments,
  { signal, say }: { readonly signal: AbortSignal; readonly say: (text: string) => void },
): Promise<boolean> {
  const cases = MQTT_CASES.filter((each) => (only === undefined ? each.quick || !quick : each.name === only))
  if (cases.length === 0) {
    const names = MQTT_CASES.map(({ name }) => name).join(', ')
    throw new UsageError(`expected a case out of ${names}, got: ${only}`)
  }
  ensureInstalled(['mosquitto', 'mosquitto-clients'])
  const root = mkdtempSync(join(tmpdir(), 'millhand-chaos-mqtt-'))
  const outcomes: Outcome[] = []
  for (const { name, title, run } of cases) {
    signal.throwIfAborted()
    say(`     ${name}: ${title} ...`)
    const folder = join(root, name)
    mkdirSync(folder)
    const begin = performance.now()
    const outcome = await run({ folder, seed, signal }, quick ? 'quick' : 'full')
    outcomes.push(outcome)
    say(outcomeText(name, outcome, (performance.now() - begin) / 1000))
    if (isWell(outcome)) rmSync(folder, { recursive: true, force: true })
    else say(`     its ledgers: ${folder}`)
  }
  const isAllWell = outcomes.every(isWell)
  if (isAllWell) rmSync(root, { recursive: true, force: true })
  if (json) console.log(jsonLine(outcomes))
  return isAllWell
}

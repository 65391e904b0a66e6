/**
 * Everything that has to be right before a change goes in. `npm test` runs all of it, and CI runs `npm test`;
 * `npm test -- lint unit` runs only the steps of those names.
 *
 * The stages run one after another, the steps of a stage side by side. Cheap and independent checks share a
 * stage; tests have one to themselves, since they measure time. The first step that fails ends the run, and
 * only then is its output shown, after the names of the tests that failed. The last line is
 * `N passed, N failed`: tests, and one for each other step.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { failedTests, failuresFirst, type TestReport } from './failed-tests.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const RESULTS = join(ROOT, '.tmp', 'test-results')
const STEP_DEADLINE_MS = 600_000
const TARBALL = `.tmp/millhand-${version()}.tgz`

interface Step {
  readonly name: string
  readonly command: readonly string[]
  /** Where the counts of single tests are found afterwards. */
  readonly results?: string
}

interface Outcome {
  readonly step: Step
  readonly ok: boolean
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  readonly seconds: number
  readonly output: string
}

const running = new Set<ChildProcess>()

const STAGES: readonly (readonly Step[])[] = [
  [step('servers', 'node scripts/servers.ts')],
  [
    step('format', 'oxfmt --check'),
    step('lint', 'oxlint --type-aware --deny-warnings'),
    step('types', 'tsc -p tsconfig.json'),
    step('build', 'npm run --silent build'),
  ],
  [tests('unit')],
  [tests('conformance')],
  [tests('integration')],
  [
    step('knip', 'knip'),
    // Without scripts: `prepack` would build again.
    step('pack', 'npm pack --ignore-scripts --pack-destination .tmp'),
  ],
  [step('publint', `publint run ${TARBALL} --strict`), step('attw', `attw ${TARBALL} --profile esm-only`)],
  [tests('package')],
]

function version(): string {
  const manifest = readFileSync(join(ROOT, 'package.json'), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}

function step(name: string, command: string): Step {
  return { name, command: command.split(' ') }
}

/** The tests of one of the projects in vitest.config.ts. */
function tests(project: string): Step {
  const results = join(RESULTS, `${project}.json`)
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${results}`]
  return { name: project, command: ['vitest', 'run', '--project', project, ...reporters], results }
}

async function main(names: readonly string[]): Promise<number> {
  const known = STAGES.flat().map((each) => each.name)
  const unknown = names.find((name) => !known.includes(name))
  if (unknown !== undefined) {
    console.log(`expected steps out of ${known.join(', ')}, got: ${unknown}`)
    return 1
  }
  rmSync(RESULTS, { recursive: true, force: true })
  mkdirSync(RESULTS, { recursive: true })
  const outcomes: Outcome[] = []
  for (const stage of STAGES) {
    const wanted = stage.filter((each) => names.length === 0 || names.includes(each.name))
    outcomes.push(...(await Promise.all(wanted.map(run))))
    if (outcomes.some((outcome) => !outcome.ok)) break
  }
  for (const { ok, step, output } of outcomes) {
    if (!ok) console.log(`\n---- ${step.name}: ${step.command.join(' ')}\n\n${failuresFirst(output)}\n`)
  }
  console.log(`${sum(outcomes, 'passed')} passed, ${sum(outcomes, 'failed')} failed`)
  return outcomes.every((outcome) => outcome.ok) ? 0 : 1
}

async function run(step: Step): Promise<Outcome> {
  const started = performance.now()
  const { code, output } = await execute(step)
  const seconds = (performance.now() - started) / 1000
  const outcome = { step, ok: code === 0, seconds, output, ...count(step, code === 0) }
  const counts = step.results === undefined ? '' : `${outcome.passed} passed, ${outcome.failed} failed`
  const skips = outcome.skipped > 0 ? `, ${outcome.skipped} skipped` : ''
  const time = `${seconds.toFixed(1)} s`.padStart(8)
  console.log(`${outcome.ok ? 'ok  ' : 'FAIL'}  ${step.name.padEnd(12)} ${time}  ${counts}${skips}`.trimEnd())
  if (!outcome.ok && step.results !== undefined) console.log(`\n${summary(step.results)}\n`)
  return outcome
}

function summary(results: string): string {
  try {
    const report = JSON.parse(readFileSync(results, 'utf8')) as TestReport
    return failedTests(report, ROOT) || 'no test failed, but the run did'
  } catch {
    return 'the tests left no report'
  }
}

function execute({ command }: Step): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const [file = '', ...args] = command
    const PATH = [join(ROOT, 'node_modules', '.bin'), process.env['PATH']].join(delimiter)
    // A process group of its own, so that what the step has started ends with it.
    const child = spawn(file, args, { cwd: ROOT, env: { ...process.env, PATH }, detached: true })
    let output = ''
    const end = (code: number) => {
      clearTimeout(deadline)
      running.delete(child)
      resolve({ code, output })
    }
    const deadline = setTimeout(() => {
      output += `\nstopped: it did not end within ${STEP_DEADLINE_MS / 1000} s\n`
      kill(child)
    }, STEP_DEADLINE_MS)
    running.add(child)
    child.stdin.end()
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
    child.on('error', (error) => {
      output += error.message
      end(1)
    })
    child.on('close', (code) => end(code ?? 1))
  })
}

function kill({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}

/** A step that is not made of tests counts as one; so does a test run that fails without a failing test. */
function count({ results }: Step, ok: boolean): Pick<Outcome, 'passed' | 'failed' | 'skipped'> {
  if (results === undefined) return { passed: ok ? 1 : 0, failed: ok ? 0 : 1, skipped: 0 }
  try {
    const report = JSON.parse(readFileSync(results, 'utf8')) as Record<string, number>
    const { numPassedTests: passed = 0, numFailedTests = 0, numPendingTests = 0, numTodoTests = 0 } = report
    return { passed, failed: Math.max(numFailedTests, ok ? 0 : 1), skipped: numPendingTests + numTodoTests }
  } catch {
    return { passed: 0, failed: 1, skipped: 0 }
  }
}

function sum(outcomes: readonly Outcome[], field: 'passed' | 'failed'): number {
  return outcomes.reduce((total, outcome) => total + outcome[field], 0)
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    for (const child of running) kill(child)
    process.exit(1)
  })
}
process.exitCode = await main(process.argv.slice(2))

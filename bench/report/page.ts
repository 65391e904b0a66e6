import { rowsOf, figureText, ratioText } from '../table.ts'
import { rounded, type Result } from '../result.ts'
import { byRoom, costOf, featureOf, microseconds, pointsOf, shown, type Figures } from './figures.ts'

/** docs/performance.md */
export function page(figures: Figures, circumstances: readonly string[], scale: 'full' | 'quick'): string {
  const rounds = [...figures.suites, ...figures.features, ...figures.growth].map((result) => result.rounds)
  return [
    '# Performance',
    'Written by `npm run bench -- report`, never by hand. The figures of one machine at one time: what is worth something are the ratios, each taken in one run.',
    ...(scale === 'quick' ? ['**From a quick run, for a first look only.**'] : []),
    '## How they were taken',
    bullets([
      ...circumstances,
      `Each figure is the median of ${span(rounds)} rounds, with the smallest and the largest in parentheses. In a round each contender runs once, in the opposite order in every other round.`,
      'Each measurement has a fresh process, which first does the same work on a smaller scale, then collects garbage, then starts the clock. Measured is what the package contains: compiled JavaScript, not sources.',
      'Each job carries a number, and each run fails unless each number came exactly once.',
      'Files lie on the disk of the checkout, not in memory. Durability is `normal` (SQLite `synchronous = NORMAL` with a write-ahead log) on all sides unless a case says `full`.',
    ]),
    '## Against the bars',
    ...suiteSections(figures.suites),
    '## Where the time of a job goes',
    'A CPU profile of the case `process`, by the file of `src/` that was on the stack last: what a file calls in Node or in the schema library counts for that file.',
    ...profileSections(figures),
    '## What each feature costs',
    'Jobs processed at concurrency 100 with a feature, against a plain path without any of them: no schema, nobody listening, done jobs removed, leases too long to be renewed.',
    '![Cost of each feature](performance/features.svg)',
    table([
      ['feature', 'store', 'with it, jobs/s', 'plain path, jobs/s', 'cost, µs a job'],
      ...figures.features.map(featureRow),
    ]),
    legend(figures.features.map((result) => [featureOf(result).feature, result.about])),
    '## How cost grows',
    'Jobs processed in a SQLite file, durability `normal`, at concurrency 100 where it is not what changes.',
    '![Jobs a second by backlog, payload, concurrency and processes](performance/growth.svg)',
    ...figures.growth.map(growthSection),
    '',
  ]
    .join('\n\n')
    .replace(/\n+$/, '\n')
}

function suiteSections(results: readonly Result[]): string[] {
  return [...new Set(results.map(({ suite }) => suite))].flatMap((suite) => {
    const own = results.filter((result) => result.suite === suite)
    return [
      `### ${suite}`,
      table(rowsOf(own).map((row, index) => (index === 0 ? [...row.slice(0, -1), 'met?'] : row))),
      `![Cases of the suite ${suite}](performance/${suite}.svg)`,
      legend(own.map((result) => [result.case, [result.about, ...notesOf(result)].join(' ')])),
    ]
  })
}

function notesOf({ notes, unit }: Result): string[] {
  const all = Object.entries(notes).map(([name, value]) => `${name} ${rounded(value, unit)} ${unit}`)
  return all.length === 0 ? [] : [`Here Millhand's ${all.join(', ')}.`]
}

function profileSections({ profiles }: Figures): string[] {
  return Object.entries(profiles).flatMap(([suite, slices]) => [
    `### ${suite}`,
    `![Share of each file, ${suite}](performance/profile-${suite}.svg)`,
    table([['room', 'share'], ...shown(byRoom(slices)).map(({ place, share }) => [place, percent(share)])]),
  ])
}

function featureRow(result: Result): string[] {
  const { feature, store } = featureOf(result)
  const plain = Object.values(result.peers)[0]!
  return [
    feature,
    store,
    figureText(result.millhand, result.unit),
    figureText(plain, result.unit),
    costOf(result).toFixed(2),
  ]
}

function growthSection(result: Result): string {
  const points = pointsOf(result)
  const first = points[0]!.value
  const rows = points.map(({ name, value, min, max }) => {
    return [
      name,
      figureText({ median: value, min, max }, result.unit),
      microseconds(value).toFixed(1),
      ratioText(value / first),
    ]
  })
  return [
    `### ${result.case}`,
    result.about,
    table([[result.case, result.unit, 'µs a job', 'of the first'], ...rows]),
  ].join('\n\n')
}

function table([head, ...rows]: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(head!), line(head!.map(() => '---')), ...rows.map(line)].join('\n')
}

function bullets(lines: readonly string[]): string {
  return lines.map((line) => `- ${line}`).join('\n')
}

/** What the cases are, each once. */
function legend(entries: readonly (readonly [name: string, about: string])[]): string {
  return bullets([...new Map(entries)].map(([name, about]) => `**${name}**: ${about}`))
}

function span(numbers: readonly number[]): string {
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)]
  return least === most ? String(least) : `${least} to ${most}`
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}

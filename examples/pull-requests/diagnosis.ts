/** What is wrong, and what could be done about it. */
export interface Diagnosis {
  readonly category: string
  readonly strategy: string
  /** What to do, in Markdown. */
  readonly content: string
  /** From 0, a guess, to 1, certain. */
  readonly confidence: number
}

interface Rule extends Omit<Diagnosis, 'content'> {
  readonly pattern: RegExp
  readonly advice: string
}

/** The first that matches wins: what names its cause comes before what only shows a symptom. */
const RULES: readonly Rule[] = [
  {
    pattern: /cannot find (module|package)|module not found|unresolved import|no matching version/i,
    category: 'dependency',
    strategy: 'install-dependency',
    advice: 'A dependency is missing. Add it to the manifest, and commit the lock file.',
    confidence: 0.7,
  },
  {
    pattern: /lint|prettier|formatt?(ing|er)|code style/i,
    category: 'style',
    strategy: 'run-formatter',
    advice: 'Run the formatter and the linter with `--fix`, and commit what they change.',
    confidence: 0.9,
  },
  {
    pattern: /\berror TS\d+|type error|is not assignable to/i,
    category: 'types',
    strategy: 'fix-types',
    advice: 'The compiler names the place and the type that it expected.',
    confidence: 0.6,
  },
  {
    pattern: /timed? ?out|ECONNRESET|ETIMEDOUT|rate limit/i,
    category: 'flaky',
    strategy: 'run-again',
    advice: 'Nothing points at the change itself. Run the check again.',
    confidence: 0.5,
  },
  {
    pattern: /assert|expected .+ (to|but)|tests? failed|failing tests?/i,
    category: 'test',
    strategy: 'fix-test',
    advice: 'A test fails. See whether the change or its expectation is wrong.',
    confidence: 0.4,
  },
]

const UNKNOWN = {
  category: 'unknown',
  strategy: 'ask-a-human',
  advice: 'Nothing known matches; somebody has to look.',
  confidence: 0.1,
}

/** Reads the logs of a failed check. */
export function diagnose(failureLogs: string): Diagnosis {
  const { category, strategy, advice, confidence } =
    RULES.find(({ pattern }) => pattern.test(failureLogs)) ?? UNKNOWN
  const [headline = ''] = failureLogs.split('\n', 1)
  return { category, strategy, content: `**${headline}** failed. ${advice}`, confidence }
}

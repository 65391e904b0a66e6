import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

/** Tests import `millhand` by its name and get src/; only the package tests look at what is built and packed. */
const source = { ssr: { resolve: { conditions: ['millhand-source'] } } }
/** What is looked at again and again may come late on a busy machine; the usual second is no deadline. */
const patient = { expect: { poll: { timeout: 15_000 } } }

export default defineConfig({
  test: {
    coverage: { include: ['src/**'] },
    // Tests mostly wait, for processes and timers: two files at a time also where there are two cores.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      {
        ...source,
        test: {
          ...patient,
          name: 'unit',
          include: ['test/unit/**/*.test.ts', 'test/architecture.test.ts'],
          // They keep to themselves, and half of their time would be spent on loading the same modules again.
          isolate: false,
          // None of them loads a core for long.
          maxWorkers: Math.max(4, availableParallelism()),
          testTimeout: 60_000,
        },
      },
      {
        ...source,
        test: {
          ...patient,
          name: 'conformance',
          include: ['test/conformance/**/*.test.ts'],
          testTimeout: 60_000,
        },
      },
      {
        ...source,
        test: {
          ...patient,
          name: 'integration',
          include: ['test/integration/**/*.test.ts', 'test/examples.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'package',
          include: ['test/package/**/*.test.ts', 'test/types/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
})

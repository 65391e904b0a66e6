import { defineConfig } from 'vitest/config'

const source = { ssr: { resolve: { conditions: ['millhand-source'] } } }

export default defineConfig({
  ...source,
  test: {
    projects: [
      {
        ...source,
        test: { name: 'unit', include: ['test/unit/**/*.test.ts', 'test/architecture.test.ts'], testTimeout: 5_000 },
      },
      {
        ...source,
        test: { name: 'conformance', include: ['test/conformance/**/*.test.ts'], testTimeout: 20_000 },
      },
      {
        ...source,
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts', 'test/examples.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
})

import { test } from 'vitest'
import { FakeClock } from '../../src/core/clock.ts'
import { memory } from '../../src/backends/memory/index.ts'
import { conformanceCases, type Harness, runnable } from '../../src/conformance/index.ts'

async function harness(): Promise<Harness> {
  const clock = new FakeClock()
  const backend = memory({ clock })
  await backend.open()
  return {
    open: async () => backend,
    pass: async (ms) => clock.advance(ms),
    jumpWall: async (ms) => clock.jump(ms),
    close: () => backend.close(),
  }
}

for (const { title, run } of runnable(conformanceCases, harness)) {
  test(title, ({ skip }) => run(skip))
}

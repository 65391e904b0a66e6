import { pool, transfer, WorkerPool, type Task, type TaskContext } from 'millhand/pool'
import { expectType, type Equal } from '../expect.ts'

interface Images {
  setup(data: unknown): void
  teardown(): void
  resize(path: string, width: number): Promise<Uint8Array>
  count(this: TaskContext, text: string, minLength?: number): number
  ping(): void
  words(text: string): Generator<string, number>
  lines(path: string): AsyncGenerator<{ text: string }>
  readonly version: string
}

const images = new WorkerPool<Images>('./images.ts', { max: 4, timeout: '30s', maxMemory: '512MiB' })

const small = await images.run('resize', ['cat.jpg', 320], { priority: 5, retry: 1 })
expectType<Equal<typeof small, Uint8Array>>()
const count = await images.run('count', ['some text'])
expectType<Equal<typeof count, number>>()
await images.run('count', ['some text', 3], { signal: AbortSignal.timeout(100) })
await images.run('ping')
await images.run('ping', [], { timeout: '1s' })

const task = images.submit('resize', ['cat.jpg', 320])
expectType<Equal<typeof task, Task<Uint8Array>>>()
task.cancel()

for await (const word of images.stream('words', ['a b'])) expectType<Equal<typeof word, string>>()
for await (const line of images.stream('lines', ['a.txt'])) expectType<Equal<typeof line, { text: string }>>()

declare function double(n: number): number
const doubles = pool<{ double: typeof double }>('./double.ts')
const four = await doubles.run(double, [2])
expectType<Equal<typeof four, number>>()

const pixels = transfer(new Uint8Array(4))
expectType<Equal<typeof pixels, Uint8Array<ArrayBuffer>>>()

await images.ready()
await images.drain()
expectType<Equal<ReturnType<typeof images.join>, Promise<boolean>>>()
await images.close({ timeout: '5s' })

const untyped = new WorkerPool('./anything.js')
const anything = await untyped.run('whatever', [1, 'two'])
expectType<Equal<typeof anything, unknown>>()

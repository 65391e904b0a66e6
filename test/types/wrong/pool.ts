import { WorkerPool } from 'millhand/pool'

interface Images {
  setup(data: unknown): void
  resize(path: string, width: number): Promise<Uint8Array>
  readonly version: string
}

const images = new WorkerPool<Images>('./images.ts')

// refused: "resise"
void images.run('resise', ['cat.jpg', 320])
// refused: "setup"
void images.run('setup', [1])
// refused: "version"
void images.run('version', [])
// refused: 'string' is not assignable to type 'number'
void images.run('resize', ['cat.jpg', '320'])
// refused: Expected 2-3 arguments
void images.run('resize')
// refused: Source has 1 element(s) but target requires 2
void images.submit('resize', ['cat.jpg'])
// refused: 'retries' does not exist
void images.run('resize', ['cat.jpg', 1], { retries: 1 })
// refused: 'minimum' does not exist
new WorkerPool<Images>('./images.ts', { minimum: 1 })
// refused: is not assignable
const text: string = await images.run('resize', ['cat.jpg', 320])
console.log(text)

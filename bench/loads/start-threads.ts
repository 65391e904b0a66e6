import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { ThreadWorker } from '../../src/index.ts'
import type { Contender } from '../case.ts'
import { silentLogger, WorkerHandle } from '../millhand.ts'
import { BUILD, pathOf } from '../places.ts'
import { percentile } from '../statistics.ts'

/** Of the modules below. */
declare class StarterOf extends ThreadWorker<{ readonly places: number }> {
  protected override main(): Promise<void>
}

export type Extension = 'js' | 'ts'

/** Started at once. */
export const AT_ONCE = 8

const MODULE: Readonly<Record<Extension, string>> = {
  js: `
import { ThreadWorker } from 'millhand'

export class Starter extends ThreadWorker {
  static module = import.meta.url

  async main() {
    while (this.isRunning) await this.sleep('1s')
  }
}
`,
  ts: `
import { ThreadWorker } from 'millhand'

export class Starter extends ThreadWorker<{ readonly places: number }> {
  static override module: string = import.meta.url

  override async main(): Promise<void> {
    while (this.isRunning) await this.sleep('1s')
  }
}
`,
}

/** From the start of eight workers until all are running, in a project that has Millhand as a dependency: the median. */
export function startThreads(extension: Extension): Contender {
  return async ({ jobs, folder, deliveries, timed }) => {
    deliveries.expect(jobs)
    const file = join(folder, `starter.${extension}`)
    writeFileSync(file, MODULE[extension])
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
    install(folder)
    const { Starter } = (await import(pathToFileURL(file).href)) as { Starter: typeof StarterOf }
    const took: number[] = []
    await timed(async () => {
      for (let n = 0; n < jobs; n += AT_ONCE) {
        const begun = performance.now()
        const handles = Array.from(
          { length: AT_ONCE },
          (_, i) => new WorkerHandle(Starter, { name: `starter-${i}`, logger: silentLogger, places: 1 }),
        )
        await Promise.all(handles.map((handle) => handle.start()))
        took.push(performance.now() - begun)
        for (const [i, handle] of handles.entries()) if (handle.isRunning) deliveries.mark(n + i)
        await Promise.all(handles.map((handle) => handle.stop()))
      }
    })
    return percentile(took, 50)
  }
}

function install(folder: string): void {
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(pathOf(BUILD), join(folder, 'node_modules', 'millhand'))
  writeFileSync(join(pathOf(BUILD), 'package.json'), '{ "type": "module", "exports": "./index.js" }')
}

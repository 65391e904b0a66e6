import { PeriodicWorker, Server, Worker } from 'millhand'
import { expectType, type Equal } from '../expect.ts'

interface Store {
  close(): void
}

class Copier extends Worker<{ from: string; to?: string }, { store: Store }> {
  protected override setup(): void {
    this.context.store = { close: () => {} }
  }

  protected override async main(): Promise<void> {
    expectType<Equal<typeof this.options.from, string>>()
    while (this.isRunning) await this.sleep('100ms')
  }

  protected override teardown(): void {
    this.context.store.close()
  }
}

const copier = new Copier({ from: '/srv/files', name: 'copier' })
expectType<Equal<typeof copier.signal, AbortSignal>>()

class Sync extends PeriodicWorker {
  protected override run(): void {}
}

const server = new Server()
const same = server.add(copier).add(new Sync({ intervalSeconds: 5 }))
expectType<Equal<typeof same, Server>>()

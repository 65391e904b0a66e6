import { PeriodicWorker, Server, Worker } from 'millhand'

class Copier extends Worker<{ from: string }> {
  protected override async main(): Promise<void> {}
}

// refused: 'number' is not assignable to type 'string'
new Copier({ from: 1 })
// refused: 'form' does not exist in type
new Copier({ from: '/srv', form: 'a typing error' })

// refused: Non-abstract class 'Idle' does not implement inherited abstract member main
class Idle extends Worker {}

class Sync extends PeriodicWorker {
  protected override run(): void {}
}
// refused: Property 'intervalSeconds' is missing
new Sync({ name: 'sync' })

// refused: No overload matches this call
new Server().add({ name: 'not a worker' })

import assert from 'node:assert/strict'
import { type ConformanceCase, topic } from '../case.ts'
import { DONE, type Subject } from '../subject.ts'

export const sharingCases: ConformanceCase[] = topic(
  'sharing',
  {
    'what one opening adds another takes and settles': async (s) => {
      const other = await s.another()
      const id = await s.addOne()
      const job = await other.takeOne()
      assert.equal(job.id, id)
      await other.settled(job, DONE)
      assert.equal(await s.state(id), 'gone')
    },
    'closing one opening leaves the others open': async (s) => {
      const other = await s.another()
      await other.backend.close()
      await s.addOne()
    },
    'many that add and take at once lose nothing and give nothing twice': async (s) => {
      const workers = await Promise.all(Array.from({ length: 4 }, () => s.another()))
      const added = workers.map((worker) => worker.add(...Array.from({ length: 50 }, () => ({}))))
      const taken: string[] = []
      const take = async (worker: Subject): Promise<void> => {
        for (let idle = 0; idle < 20 && taken.length < 200; idle++) {
          const jobs = await worker.take({ limit: 7 })
          for (const { id } of jobs) taken.push(id)
          if (jobs.length > 0) idle = 0
        }
      }
      await Promise.all(workers.map(take))
      const ids = (await Promise.all(added)).flat()
      for (const worker of workers) await take(worker)
      assert.deepEqual(taken.toSorted(), ids.toSorted())
    },
  },
  'sharing',
)

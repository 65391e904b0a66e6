import { Queue } from 'millhand'
import { memory } from 'millhand/memory'
import { z } from 'zod'

const mail = new Queue('mail', {
  backend: memory(),
  jobs: { welcome: z.object({ to: z.email() }), length: z.string().transform((text) => text.length) },
})

// refused: '"farewell"' is not assignable to parameter of type 'TypeOf<
void mail.add('farewell', { to: 'ada@example.org' })
// refused: 'number' is not assignable to type 'string'
void mail.add('welcome', { to: 1 })
// refused: Property 'to' is missing
void mail.add('welcome', {})
// refused: 'number' is not assignable to parameter of type 'string'
void mail.add('length', 4)
// refused: 'prio' does not exist in type
void mail.add('welcome', { to: 'ada@example.org' }, { prio: 5 })
// refused: 'number' is not assignable to type 'string'
void mail.addMany([{ type: 'welcome', payload: { to: 1 } }])

// refused: Property 'backend' is missing
new Queue('mail', {})
// refused: 'backEnd' does not exist in type
new Queue('mail', { backEnd: memory() })
// refused: is not assignable to type
new Queue('mail', { backend: memory(), jobs: { welcome: 'a string' } })

// refused: 'welcom' does not exist in type
mail.worker({ welcom: () => {} })
// refused: Property 'from' does not exist on type '{ to: string; }'
mail.worker({ welcome: (job) => job.payload.from })
// refused: 'concurency' does not exist in type
mail.worker({}, { concurency: 2 })
// refused: 'number' is not assignable to parameter of type 'string'
mail.worker({ welcome: (_job, { followUp }) => followUp(mail, 'length', 4) })

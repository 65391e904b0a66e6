import { Router } from 'millhand/mqtt'
import { z } from 'zod'

const router = new Router()

// refused: Property 'sensor' does not exist on type
router.on('sensors/{sensorId}', ({ params }) => params.sensor)
// refused: 'payload' is of type 'unknown'
router.on('a', ({ payload }) => payload.celsius)
// refused: Property 'fahrenheit' does not exist on type '{ celsius: number; }'
router.on('b', ({ payload }) => payload.fahrenheit, { schema: z.object({ celsius: z.number() }) })
// refused: Type '3' is not assignable to type 'Qos
router.on('c', () => {}, { qos: 3 })
// refused: 'shred' does not exist in type 'RouteOptions<
router.on('d', () => {}, { shred: true })
// refused: No overload matches this call
router.on('e', { to: { queue: {}, type: 'placed' } })

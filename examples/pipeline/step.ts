import { QueueFullError, type AddOptions, type Handler } from 'millhand'

/** What became of an item in a stage; kept with its job. */
export type Fate = 'passed' | 'filtered' | 'saved'

/** The queue of the next stage. */
export interface Next<Out> {
  add(type: 'item', payload: Out, options: AddOptions): Promise<unknown>
}

/** What a stage does with an item: it gives what goes on to the next stage, or undefined to end the item here. */
export type Work<In, Out> = (item: In, signal: AbortSignal) => Promise<Out | undefined> | Out | undefined

/**
 * The handler of a stage that has a next one.
 *
 * - The item keeps its id from stage to stage. A process that dies between the add and its own end runs the item
 *   again, and the second add is a duplicate: nothing is lost, and nothing is there twice.
 * - The add waits for room. When there is none for long, the item is put off, which is no failed attempt.
 * - What `work` throws is a failed attempt, tried again and then a dead letter of this stage.
 */
export function step<In, Out>(work: Work<In, Out>, next: Next<Out>): Handler<'item', In> {
  return async ({ id, payload, correlationId }, { signal, snooze }) => {
    const result = await work(payload, signal)
    if (result === undefined) return 'filtered' satisfies Fate
    try {
      await next.add('item', result, { id, correlationId })
    } catch (error) {
      if (error instanceof QueueFullError) return snooze('500ms')
      throw error
    }
    return 'passed' satisfies Fate
  }
}

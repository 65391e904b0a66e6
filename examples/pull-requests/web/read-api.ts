import { Hono } from 'hono'
import type { Results } from '../storage/results.ts'

const PAGE = 100

/** What the service found out, to read. */
export function readApi(results: Results): Hono {
  const app = new Hono()

  /** `?after=ID` goes on after the last one of the page before. */
  app.get('/pulls', (context) => {
    const after = context.req.query('after') ?? '0'
    if (!isId(after)) return context.json({ error: `expected after to be the id of a pull request` }, 400)
    const pulls = results.pulls(Number(after), PAGE)
    return context.json({ pulls, next: pulls.length < PAGE ? null : (pulls.at(-1)?.id ?? null) })
  })

  app.get('/pulls/:id', (context) => {
    const id = context.req.param('id')
    if (!isId(id)) return context.json({ error: 'expected the id of a pull request, a number' }, 400)
    const pull = results.pull(Number(id))
    if (pull === undefined) return context.json({ error: `no pull request has the id ${id}` }, 404)
    return context.json({ ...pull, analyses: results.analyses(pull.id), fixes: results.fixes(pull.id) })
  })

  return app
}

function isId(text: string): boolean {
  return /^\d{1,15}$/.test(text)
}

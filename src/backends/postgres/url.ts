import { InvalidOptionError } from '../../core/errors.ts'
import { unknownName } from '../../core/options.ts'

/** The options of the store that a URL may carry, by the names of the options, with `millhand_` before them. */
const PREFIX = 'millhand_'
const NAMES = ['schema', 'listen'] as const

export interface StoreInUrl {
  readonly schema?: string
  readonly listen?: boolean
}

/** The URL by which another thread or process reaches the same store. */
export function toUrl(connection: string, { schema, listen }: Required<StoreInUrl>): string {
  const url = new URL(connection)
  if (schema !== 'millhand') url.searchParams.set(`${PREFIX}schema`, schema)
  if (!listen) url.searchParams.set(`${PREFIX}listen`, 'false')
  return url.href
}

/** Takes our own options out of a URL; the rest is the driver's. @throws InvalidOptionError without showing the URL. */
export function parseUrl(text: string): { connection: string; store: StoreInUrl } {
  if (!/^postgres(?:ql)?:\/\//i.test(text) || !URL.canParse(text)) {
    throw new InvalidOptionError(
      'url',
      'expected the URL to be such as postgres://user@host:5432/database; a password with special characters has to be escaped as encodeURIComponent does it',
    )
  }
  const url = new URL(text)
  const found: { schema?: string; listen?: boolean } = {}
  for (const name of [...url.searchParams.keys()]) {
    if (!name.startsWith(PREFIX)) continue
    const option = name.slice(PREFIX.length)
    const value = url.searchParams.get(name)!
    if (option === 'schema') found.schema = value
    else if (option === 'listen') found.listen = value !== 'false'
    else throw unknownName('option of a postgres URL', option, NAMES)
    url.searchParams.delete(name)
  }
  return { connection: url.href, store: found }
}

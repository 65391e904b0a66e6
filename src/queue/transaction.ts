import { UnsupportedError } from '../core/errors.ts'
import type { Backend, Transaction } from './backend.ts'

/** @throws UnsupportedError when a store is given a transaction and cannot take part in any. */
export function checkTransaction(
  { name, capabilities }: Pick<Backend, 'name' | 'capabilities'>,
  transaction: Transaction,
): void {
  if (transaction === undefined || capabilities.transactions) return
  throw new UnsupportedError(
    `the ${name} store cannot take part in a transaction of yours; a store in your own database can, such as a SQLite file or Postgres`,
  )
}

import { UnsupportedError } from '../../core/errors.ts'
import type { Backend } from '../../queue/backend.ts'

/** The backend that a URL names: `postgres://user@host/database`. */
export function fromUrl(_url: string): Backend {
  throw new UnsupportedError('the Postgres store is not part of this version')
}

import { UnsupportedError } from '../../core/errors.ts'
import type { Backend } from '../../queue/backend.ts'

/** The backend that a URL names: `redis://user@host:6379/0`. */
export function fromUrl(_url: string): Backend {
  throw new UnsupportedError('the Redis store is not part of this version')
}

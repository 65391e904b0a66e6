import { isIPv6 } from 'node:net'
import { InvalidArgumentError } from 'commander'

/** Where to listen. */
export interface Address {
  readonly port: number
  /** Left out when only a port was named. */
  readonly host?: string
}

/** `8080`, `0.0.0.0:8080`, `localhost:8080` or `[::1]:8080`. */
export function address(text: string): Address {
  const [, bracketed, plain, digits = ''] = /^(?:(?:\[([^\]]+)\]|([^:[\]\s]+)):)?(\d{1,5})$/.exec(text) ?? []
  const port = digits === '' ? Number.NaN : Number(digits)
  if (port <= 65_535 && (bracketed === undefined || isIPv6(bracketed))) {
    const host = bracketed ?? plain
    return host === undefined ? { port } : { port, host }
  }
  throw new InvalidArgumentError('Expected a port, or an address such as 127.0.0.1:8080 or [::1]:8080.')
}

/** How a worker comes to the messages of its slot: made by the router for one life of the slot, and sent to it. */
export type SlotDoor = MemoryDoor | SocketDoor

/** To a worker in this process: the ring itself. */
export interface MemoryDoor {
  readonly kind: 'memory'
  /** Which life of the slot this is, from 1. */
  readonly epoch: number
  readonly memory: SharedArrayBuffer
}

/** To a worker in another process: a copy of the ring is kept there. */
export interface SocketDoor {
  readonly kind: 'socket'
  readonly epoch: number
  /** Of a unix socket, or a named pipe of Windows. One connection is taken. */
  readonly path: string
  /** Of the ring. */
  readonly capacity: number
  /** Where the first frame begins, in units. */
  readonly position: number
  /** How many frames were read before it. */
  readonly frames: number
}

/** What a reader says of its progress, on the socket: three numbers of 32 bits. */
export const REPORT_BYTES = 12

export interface Report {
  /** Units up to which it is done. */
  readonly read: number
  readonly framesRead: number
  /** How long the last of them was on its way, by `latencyBucket`. */
  readonly latency: number
}

export function reportToWire({ read, framesRead, latency }: Report): Buffer {
  const bytes = Buffer.allocUnsafe(REPORT_BYTES)
  bytes.writeInt32LE(read, 0)
  bytes.writeInt32LE(framesRead, 4)
  bytes.writeInt32LE(latency, 8)
  return bytes
}

export function reportFromWire(bytes: Buffer, at: number): Report {
  return {
    read: bytes.readInt32LE(at),
    framesRead: bytes.readInt32LE(at + 4),
    latency: bytes.readInt32LE(at + 8),
  }
}

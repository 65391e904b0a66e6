/** The server process of stall-server.ts: says so, and blocks its event loop for ever. */
import { writeSync } from 'node:fs'
import { Server, Worker } from '../millhand.ts'

class Blocks extends Worker {
  override async main(): Promise<void> {
    // Not before its watchdog has begun to look.
    await this.sleep('1s')
    writeSync(1, 'blocks\n')
    for (;;);
  }
}

await new Server({ watchdogThreshold: '1s' }).add(new Blocks()).runForever()

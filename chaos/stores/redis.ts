import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ask, startRedis } from '../../test/servers/redis.ts'
import { HOST } from '../../test/servers/port.ts'
import type { StoreUnderTest } from '../case.ts'

export const redisStore: StoreUnderTest = {
  name: 'redis',
  isServer: true,
  needs: ['redis-server'],
  async open(folder, { durable }) {
    const server = await startRedis({ durable })
    return {
      url: server.url,
      server: {
        port: server.port,
        urlAt: (port) => `redis://${HOST}:${port}`,
        end: (signal) => server.kill(signal),
        start: () => server.start(),
        async cutConnections(each) {
          const list = (await ask(server.port, 'CLIENT LIST')) ?? ''
          const ids = [...list.matchAll(/^(?:\$\d+\r\n)?id=(\d+) /gm)].map(([, id]) => id!)
          const hit = ids.filter(each)
          for (const id of hit) await ask(server.port, `CLIENT KILL ID ${id}`)
          return hit.length
        },
      },
      async close() {
        writeFileSync(join(folder, 'server.log'), server.log)
        await server.stop()
      },
    }
  },
}

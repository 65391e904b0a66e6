import type { PrivateServer } from '../../test/servers/private-server.ts'
import { ensureInstalled } from '../../test/servers/ensure.ts'
import type { PackageName } from '../../test/servers/installation.ts'
import { startMosquitto } from '../../test/servers/mosquitto.ts'
import { startPostgres } from '../../test/servers/postgres.ts'
import { startRedis } from '../../test/servers/redis.ts'
import type { Suite } from '../case.ts'
import type { ServerName } from './index.ts'
import { season } from './postgres.ts'

/** As a careful administrator leaves them: durable as they are by default, and with memory to work in. */
const STARTS: Readonly<Record<ServerName, () => Promise<PrivateServer>>> = {
  // What was acknowledged in the last second may be lost with the power, and nothing with the process.
  redis: () => startRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'everysec'] }),
  postgres: async () => {
    const server = await startPostgres({
      durable: true,
      settings: {
        shared_buffers: '256MB',
        min_wal_size: '1GB',
        max_wal_size: '2GB',
        max_connections: '300',
        // Counts statements, and only in databases that ask for it: see loads/idle.ts.
        shared_preload_libraries: 'pg_stat_statements',
        'pg_stat_statements.track': 'none',
      },
    })
    await season(server.url)
    return server
  },
  // So that messages of QoS 0, too, can wait for a subscriber that is away.
  mosquitto: () => startMosquitto({ settings: { queue_qos0_messages: 'true' } }),
}

const PACKAGES: Readonly<Record<ServerName, readonly PackageName[]>> = {
  redis: ['redis-server'],
  postgres: ['postgresql'],
  mosquitto: ['mosquitto', 'mosquitto-clients'],
}

/**
 * Starts what the suite needs, and installs it when it is missing; it ends by `stop`, or with this process. Undefined: it
 * needs none.
 */
export async function serverFor({ server }: Pick<Suite, 'server'>): Promise<PrivateServer | undefined> {
  if (server === undefined) return undefined
  // Where servers put their data. A system's /tmp may be kept in memory, /var/tmp is not.
  process.env['TMPDIR'] = '/var/tmp'
  ensureInstalled(PACKAGES[server])
  return STARTS[server]()
}

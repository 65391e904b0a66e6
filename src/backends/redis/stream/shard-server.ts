import type {
  Claim,
  Commit,
  GroupView,
  Lease,
  ReadResult,
  Release,
  ShardHints,
  ShardStore,
} from '../../../stream/source/shard-store.ts'
import { Connection } from '../connection.ts'
import type { Argument } from '../driver.ts'
import { checkServer } from '../open.ts'
import { ChannelListener } from './channel-listener.ts'
import { incoming } from './records.ts'
import type { StreamServer } from './stream-server.ts'
import type { StreamScripts } from './stream-scripts.ts'

/** The shards of a stream and the leases of a group, as a Redis server keeps them. */
export class ShardServer implements ShardStore {
  readonly #server: StreamServer
  readonly #group: string
  readonly #leaseMs: number
  readonly #hints: ShardHints
  readonly #connection: Connection
  readonly #listener: ChannelListener
  #checked: Promise<void> | undefined

  /** @param group its name, as it stands in keys. */
  constructor(server: StreamServer, group: string, leaseMs: number, hints: ShardHints) {
    this.#server = server
    this.#group = group
    this.#leaseMs = leaseMs
    this.#hints = hints
    this.#connection = new Connection(server.connection)
    this.#listener = new ChannelListener(server.connection)
    this.#listener.listen(server.keys.changes(group), hints.onChange)
  }

  async beat(member: string): Promise<GroupView> {
    await this.#check()
    const reply = await this.#run('beat', member, [String(this.#leaseMs)])
    const [shards, names, pairs] = reply as [number, Buffer[], Buffer[]]
    const members = names.map(String)
    const present = new Set(members)
    const leases = new Map<number, Lease>()
    for (let at = 0; at < pairs.length; at += 2) {
      const [token, owner] = String(pairs[at + 1]).split(':') as [string, string]
      if (present.has(owner)) leases.set(Number(pairs[at]), { owner, token: Number(token) })
    }
    return { shards, members, leases }
  }

  async claim(member: string, shards: readonly number[]): Promise<Claim[]> {
    const reply = (await this.#run('claim', member, shards.map(String))) as (number | Buffer)[]
    const claims: Claim[] = []
    for (let at = 0; at < reply.length; at += 3) {
      const offset = String(reply[at + 2])
      const [shard, token] = [Number(reply[at]), Number(reply[at + 1])]
      claims.push({ shard, token, offset: offset === '' ? null : offset })
    }
    return claims
  }

  async release(member: string, releases: readonly Release[]): Promise<void> {
    if (releases.length > 0) await this.#run('release', member, releases.flatMap(argumentsOf))
  }

  async leave(member: string): Promise<void> {
    await this.#run('leave', member, [])
  }

  async commit(member: string, commits: readonly Commit[]): Promise<boolean[]> {
    const reply = await this.#run('commit', member, commits.flatMap(argumentsOf))
    return Array.from(String(reply), (held) => held === '1')
  }

  async read(shard: number, after: string | null, limit: number): Promise<ReadResult> {
    const base = this.#server.keys.shard(shard)
    const from = after === null ? '-' : `(${after}`
    const command = ['XRANGE', `${base}:log`, from, '+', 'COUNT', String(limit)]
    return incoming(await this.#connection.command(base, command), after)
  }

  watch(shard: number): void {
    this.#listener.listen(this.#server.keys.records(shard), () => this.#hints.onRecords(shard))
  }

  unwatch(shard: number): void {
    this.#listener.unlisten(this.#server.keys.records(shard))
  }

  close(): void {
    this.#listener.close()
    this.#connection.close()
  }

  #run(name: keyof StreamScripts, member: string, args: readonly Argument[]): Promise<unknown> {
    const { scripts, keys } = this.#server
    return this.#connection.run(scripts[name], keys.base, [this.#group, member, ...args])
  }

  /** Once: whether the server can be used. */
  async #check(): Promise<void> {
    this.#checked ??= checkServer(this.#connection, this.#server).catch((error: unknown) => {
      this.#checked = undefined
      throw error
    })
    await this.#checked
  }
}

function argumentsOf({ shard, token, offset }: Release): string[] {
  return [String(shard), String(token), offset ?? '']
}

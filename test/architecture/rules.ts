/**
 * The rules of the house, as a pure function: source files in, complaints out.
 *
 * Paths are relative to src/. Floors and rooms are drawn in CONTRIBUTING.md.
 */
import { posix } from 'node:path'
import { importsOf, type Import } from './imports.ts'

/** The map of src/: a room may import from lower floors and from itself. */
const FLOORS: readonly (readonly string[])[] = [
  ['core'],
  ['worker', 'observe'],
  ['server', 'pool'],
  ['topic', 'stream', 'queue'],
  ['http', 'backends/memory', 'backends/sqlite', 'backends/redis', 'backends/postgres'],
  ['cli'],
]
/** Rooms beside the floors, which nothing else in src/ imports, and what they may import. */
const SIDE_ROOMS: ReadonlyMap<string, readonly string[]> = new Map([
  ['conformance', ['core', 'worker', 'queue']],
  ['testing', ['core', 'worker', 'queue']],
])
/** Each driver is imported by one file, which lies in this room. */
const DRIVERS: ReadonlyMap<string, string> = new Map([
  ['node:sqlite', 'backends/sqlite'],
  ['better-sqlite3', 'backends/sqlite'],
  ['ioredis', 'backends/redis'],
  ['redis', 'backends/redis'],
  ['pg', 'backends/postgres'],
  ['postgres', 'backends/postgres'],
  ['mqtt', 'topic'],
  ['ws', 'http'],
])
/** Each takes a starting thread as long as all of Millhand; whoever needs one takes it from core/builtin.ts. */
const COSTLY: ReadonlySet<string> = new Set([
  'croner',
  'node:child_process',
  'node:crypto',
  'node:fs',
  'node:http',
  'node:net',
  'node:perf_hooks',
  'node:readline',
  'node:timers/promises',
  'node:v8',
])
const BUCKETS = /^(?:utils?|helpers?|common|shared|misc|types|interfaces|models|classes)$/
const KEBAB = /^[a-z0-9]+(?:-[a-z0-9]+)*$/
const MAX_LINES = 300
const INDEX = 'index.ts'
/** What the thread of a worker loads, and its module. */
const OF_A_THREAD = [INDEX, 'worker/placement/thread-entry.ts']

export type Files = ReadonlyMap<string, string>

/** One text for each broken rule, beginning with the file. */
export function complaints(files: Files): string[] {
  const found: string[] = []
  const graph = new Map<string, string[]>()
  const owners = new Map<string, string>()
  const costly = new Map<string, string[]>()
  for (const [file, text] of files) {
    found.push(...aboutName(file), ...aboutLength(file, text))
    const targets: string[] = []
    for (const each of importsOf(text)) {
      if (!each.specifier.startsWith('.')) {
        found.push(...aboutDriver(file, each, owners))
        if (each.kind === 'static' && COSTLY.has(each.specifier))
          costly.set(file, [...(costly.get(file) ?? []), each.specifier])
        continue
      }
      const target = posix.join(posix.dirname(file), each.specifier)
      if (!files.has(target)) found.push(`${file}: imports ${each.specifier}, which is not a file of src/`)
      else found.push(...aboutArrow(file, target, each.kind))
      if (each.kind === 'static') targets.push(target)
    }
    graph.set(file, targets)
  }
  return [...found, ...aboutCycles(graph), ...aboutStart(graph, costly)]
}

function roomOf(file: string): string {
  const [first = '', second = ''] = posix.dirname(file).split('/')
  return first === 'backends' ? posix.join(first, second) : first
}

function floorOf(room: string): number {
  return FLOORS.findIndex((rooms) => rooms.includes(room))
}

function aboutName(file: string): string[] {
  const found: string[] = []
  for (const part of file.replace(/\.ts$/, '').split('/')) {
    if (BUCKETS.test(part)) found.push(`${file}: "${part}" names a bucket, not a responsibility`)
    else if (!KEBAB.test(part)) found.push(`${file}: "${part}" is not in kebab-case`)
  }
  const room = roomOf(file)
  if (file !== INDEX && floorOf(room) < 0 && !SIDE_ROOMS.has(room)) {
    found.push(`${file}: "${room}" is no room of the house; give it a floor in test/architecture/rules.ts`)
  }
  return found
}

function aboutLength(file: string, text: string): string[] {
  const lines = text.trimEnd().split('\n').length
  return lines > MAX_LINES ? [`${file}: expected at most ${MAX_LINES} lines, got: ${lines}`] : []
}

function aboutDriver(file: string, { specifier, kind }: Import, owners: Map<string, string>): string[] {
  const room = DRIVERS.get(specifier)
  if (room === undefined) return []
  if (roomOf(file) !== room) return [`${file}: imports the driver ${specifier}, which belongs to ${room}`]
  if (kind === 'type') return []
  const owner = owners.get(specifier) ?? file
  owners.set(specifier, owner)
  return owner === file ? [] : [`${file}: imports the driver ${specifier}, which ${owner} owns`]
}

function aboutArrow(file: string, target: string, kind: Import['kind']): string[] {
  const [from, to] = [roomOf(file), roomOf(target)]
  if (target === INDEX) return [`${file}: imports ${target}, the front door, from inside`]
  if (from === to) return []
  const arrow = `${file}: imports ${target}`
  // Backends are leaves: whoever opens one by its URL loads it then, and its driver with it.
  if (to.startsWith('backends')) return kind === 'dynamic' ? [] : [`${arrow}, a backend, statically`]
  if (SIDE_ROOMS.has(to)) return [`${arrow}, from a room that nothing in src/ may depend on`]
  if (file === INDEX) return []
  const allowed = SIDE_ROOMS.get(from)
  if (allowed !== undefined)
    return allowed.includes(to) ? [] : [`${arrow}, but ${from} may import only ${allowed.join(', ')}`]
  if (floorOf(from) < 0 || floorOf(to) < floorOf(from)) return []
  return [`${arrow}, ${floorOf(to) === floorOf(from) ? 'sideways into another room' : 'upward'}`]
}

/**
 * Of files that load each other: which of them runs first, and what it finds undefined, would depend on who was
 * imported first. Type-only imports are left out. They load nothing, and two ideas may well name each other: a
 * queue makes workers, and a worker knows its queue. Dynamic ones wait until both ends are there.
 */
function aboutCycles(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const found: string[] = []
  const done = new Set<string>()
  const visit = (file: string, path: readonly string[]): void => {
    const start = path.indexOf(file)
    if (start >= 0) found.push(`${file}: is in a cycle: ${[...path.slice(start), file].join(' -> ')}`)
    if (start >= 0 || done.has(file)) return
    for (const target of graph.get(file) ?? []) visit(target, [...path, file])
    done.add(file)
  }
  for (const file of graph.keys()) visit(file, [])
  return found
}

/** Eight threads that start at once must cost little more than eight empty ones. */
function aboutStart(
  graph: ReadonlyMap<string, readonly string[]>,
  costly: ReadonlyMap<string, readonly string[]>,
): string[] {
  const loaded = new Set(OF_A_THREAD)
  for (const file of loaded) for (const target of graph.get(file) ?? []) loaded.add(target)
  return [...loaded].flatMap((file) =>
    (costly.get(file) ?? []).map(
      (specifier) => `${file}: imports ${specifier}, which each thread of a worker would load at its start`,
    ),
  )
}

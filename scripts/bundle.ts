/**
 * Writes src/ as the JavaScript that is published: a file for each entry point of package.json, for the command and
 * for each thread and process, and beside them what they share. Few files, because each costs every thread that
 * starts; all in one folder, because code finds the entry of a thread or process beside itself, whatever file it
 * went into. Not minified: stack traces and the code are for people.
 */
import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown, type ChunkingContext } from 'rolldown'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
/** Lies as deep as in src/, and bin/millhand.js finds it beside the entry of the package. */
const COMMAND = 'cli/main'
/** The first file of a thread or process. */
const ENTRY = /-entry\.ts$/
/** A thread of a worker loads all that these load: one or two files, but for the entries themselves. */
const OF_A_WORKER = ['src/index.ts', 'src/worker/placement/thread-entry.ts']
/** Threads and processes that do not load it have no worker in them, and load only what they need. */
const WORKER = join(ROOT, 'src/worker/worker.ts')

interface Manifest {
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>
  readonly dependencies: Readonly<Record<string, string>>
  readonly peerDependencies: Readonly<Record<string, string>>
}

export interface BundleOptions {
  /** Writes source maps beside the files. Default: false. */
  readonly sourcemap?: boolean
}

/** @throws Error for whatever is not quite right; what was written then is of no use. */
export async function bundle(folder: string, { sourcemap = false }: BundleOptions = {}): Promise<void> {
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest
  const packages = new Set(Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }))
  const entries = entriesOf(manifest)
  const build = await rolldown({
    cwd: ROOT,
    input: entries,
    platform: 'neutral',
    external: (id) => id.startsWith('node:') || packages.has(id),
    // A warning is an import that leads nowhere, or a cycle.
    onLog: (_level, { message }) => {
      throw new Error(message)
    },
  })
  let chunkOf: ((id: string) => string | undefined) | undefined
  try {
    await build.write({
      dir: folder,
      entryFileNames: '[name].js',
      chunkFileNames: '[name].js',
      sourcemap: sourcemap ? 'hidden' : false,
      plugins: [{ name: 'quick to load', renderChunk: (code) => ({ code: quickToLoad(code), map: null }) }],
      codeSplitting: {
        groups: [
          {
            debugName: 'of workers',
            name: (id, graph) => (chunkOf ??= chunks(Object.values(entries), graph))(id),
          },
        ],
      },
    })
  } finally {
    await build.close()
  }
}

/** The name of each file that is started or imported from outside, without its ending, and its source. */
function entriesOf({ exports }: Manifest): Record<string, string> {
  const entries: Record<string, string> = { [COMMAND]: `src/${COMMAND}.ts` }
  const add = (name: string, source: string): void => {
    if (name in entries) throw new Error(`${source} and ${entries[name]} would both become ${name}.js`)
    entries[name] = source
  }
  for (const target of Object.values(exports)) {
    if (typeof target === 'string') continue
    const { 'millhand-source': source = '', default: built = '' } = target
    add(basename(built, '.js'), source)
  }
  for (const source of globSync('src/**/*-entry.ts', { cwd: ROOT })) add(basename(source, '.ts'), source)
  return entries
}

/**
 * The same code in a form that a starting thread loads sooner. Each rule keeps the number of lines.
 *
 * An `import` of a module of Node makes a second module of it and reads all that it exports. And one character
 * beyond Latin-1 makes V8 keep two bytes for each of the file, and takes it half as long again to parse.
 */
function quickToLoad(code: string): string {
  return code
    .replace(/^import \{ (.+) \} from "(node:.+)";$/gm, (_, names: string, module: string) => {
      return `const { ${names.replaceAll(' as ', ': ')} } = process.getBuiltinModule("${module}");`
    })
    .replace(/[^\0-\xFF]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** Which of the files in common a module goes to; undefined when it is in none of them. */
function chunks(entries: readonly string[], graph: ChunkingContext): (id: string) => string | undefined {
  const own = new Set(entries.map((source) => join(ROOT, source)))
  const ofWorkers = loadedBy(OF_A_WORKER, graph)
  const small = entries.filter((source) => ENTRY.test(source) && !loadedBy([source], graph).has(WORKER))
  const ofOthers = loadedBy(small, graph)
  return (id) => {
    if (own.has(id) || !ofWorkers.has(id)) return undefined
    return ofOthers.has(id) ? 'core' : 'runtime'
  }
}

/** These files and all that they import, but for what they import later. */
function loadedBy(sources: readonly string[], graph: ChunkingContext): Set<string> {
  const loaded = new Set(sources.map((source) => join(ROOT, source)))
  for (const id of loaded)
    for (const imported of graph.getModuleInfo(id)?.importedIds ?? []) loaded.add(imported)
  return loaded
}

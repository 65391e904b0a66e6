/** What package.json promises must be there, and an entry must have its own source, build and types. */

export interface Manifest {
  readonly bin: Readonly<Record<string, string>>
  readonly files: readonly string[]
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

/** The order matters: Node and TypeScript take the first condition that holds. */
const CONDITIONS = 'millhand-source, types, default'
/** Made by the build, so not in a fresh clone. */
const BUILT = 'dist'

/** One text for each broken promise. `exists` answers for paths relative to package.json. */
export function brokenPromises(manifest: Manifest, exists: (path: string) => boolean): string[] {
  const found: string[] = []
  for (const [entry, target] of Object.entries(manifest.exports)) {
    if (typeof target === 'string') {
      if (!exists(target)) found.push(`exports["${entry}"]: ${target} does not exist`)
      continue
    }
    const { 'millhand-source': source = '', types, default: built } = target
    const conditions = Object.keys(target).join(', ')
    if (conditions !== CONDITIONS) {
      found.push(`exports["${entry}"]: expected the conditions ${CONDITIONS}, got: ${conditions}`)
      continue
    }
    if (!exists(source)) found.push(`exports["${entry}"]: ${source} does not exist`)
    // Bundles lie in one folder, named after their entries; types are in the folders of the source.
    const js = `./dist/${entry === '.' ? 'index' : entry.replace(/^\.\//, '')}.js`
    const dts = source.replace(/^\.\/src\//, './dist/types/').replace(/\.ts$/, '.d.ts')
    if (built !== js) found.push(`exports["${entry}"]: expected ${js}, got: ${built}`)
    if (types !== dts) found.push(`exports["${entry}"]: expected ${dts}, got: ${types}`)
  }
  for (const [name, path] of Object.entries(manifest.bin)) {
    if (!exists(path)) found.push(`bin.${name}: ${path} does not exist`)
  }
  for (const path of manifest.files) {
    if (path !== BUILT && !exists(path)) found.push(`files: ${path} does not exist`)
  }
  return found
}

/** Packages that src/ imports without telling npm that it needs them. */
export function undeclared(manifest: Manifest, specifiers: Iterable<string>): string[] {
  const declared = { ...manifest.dependencies, ...manifest.peerDependencies }
  const names = [...specifiers]
    .filter((specifier) => !specifier.startsWith('.') && !specifier.startsWith('node:'))
    .map((specifier) => specifier.match(/^(?:@[^/]+\/)?[^/]+/)?.[0] ?? specifier)
  return [...new Set(names)]
    .filter((name) => !(name in declared))
    .map((name) => `${name} is not a dependency`)
}

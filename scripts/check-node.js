// Stops a script that would silently run on another Node than the one that package.json pins.
// Plain, old JavaScript: an old Node has to be able to read it.
import { readFileSync } from 'fs'

const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
const pinned = manifest.devDependencies.node
const major = (version) => version.split('.')[0]

if (major(process.versions.node) !== major(pinned)) {
  console.error(
    `expected Node ${pinned}, which \`npm ci\` installs into node_modules, got: ${process.versions.node} ` +
      `(${process.execPath}). Run \`npm ci\` (without --ignore-scripts: an install script fetches Node), ` +
      'and start things by `npm run` or `npx`.',
  )
  process.exitCode = 1
}

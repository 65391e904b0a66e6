#!/usr/bin/env node
// The command `millhand`. This file is plain, old JavaScript so that an old Node gets as far as the message below.
import { existsSync } from 'fs'
import * as nodeModule from 'module'

const SOURCE = 'millhand-source'

const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(
    `millhand needs Node 22.18 or newer, and this is Node ${process.versions.node} (${process.execPath}). ` +
      'Get a newer one from https://nodejs.org, or let npm fetch one for this command: ' +
      `npx --yes --package=node@24 -- node ${process.argv.slice(1).join(' ')}`,
  )
  process.exitCode = 1
} else {
  run().catch((error) => {
    console.error(error)
    process.exitCode = 1
  })
}

/**
 * The command has to come from the same files as the `millhand` that the user's file imports: with two copies
 * in one process no `instanceof` would hold. So the resolver is asked where that is, and the command is the
 * neighbour of the answer.
 */
async function run() {
  let main = besideThePackage()
  if (!existsSync(main)) {
    resolveToSource()
    main = besideThePackage()
  }
  const command = await import(main.href)
  process.exitCode = await command.main(process.argv.slice(2))
}

function besideThePackage() {
  const index = import.meta.resolve('millhand')
  return new URL(`cli/main${index.slice(index.lastIndexOf('.'))}`, index)
}

/** In the repository, before a build: sets the export condition that leads to src/, here and in child processes. */
function resolveToSource() {
  nodeModule.registerHooks({
    resolve: (specifier, context, next) =>
      next(specifier, { ...context, conditions: [...context.conditions, SOURCE] }),
  })
  process.env.NODE_OPTIONS = [process.env.NODE_OPTIONS, `--conditions=${SOURCE}`].filter(Boolean).join(' ')
}

/** What `main.ts` runs when it is given no file: ordinary code, and code that is up to no good. */
export const DEMONSTRATIONS: Readonly<Record<string, string>> = {
  'an ordinary one': `input.reduce((sum, each) => sum + each, 0)`,
  'one that throws': `null.length`,
  'an endless loop': `while (true);`,
  'a promise that never settles': `new Promise(() => {})`,
  'a memory hog': `const all = []; while (true) all.push(new Array(1000).fill(all.length))`,
  'process.exit, which is not there': `process.exit()`,
  'process.exit, by one who broke out': breakOut(`process.exit(3)`),
  'a look at the environment': breakOut(`return process.env`),
  'a look at a file': breakOut(`return process.getBuiltinModule('fs').readFileSync('/etc/passwd', 'utf8')`),
  'a program': breakOut(`return process.getBuiltinModule('child_process').execSync('id').toString()`),
}

/**
 * A script that leaves the context of node:vm, as anyone can: an error of Node's own leads to a Function of the
 * outside, and that to everything. Its body finds `process`.
 */
export function breakOut(body: string): string {
  return `import('out').catch((error) => {
    const outside = error.constructor.constructor
    return outside('process', ${JSON.stringify(body)})(outside('return process')())
  })`
}

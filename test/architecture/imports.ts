/** Finds the imports of a TypeScript file. TypeScript 7 has no parser to call, so this reads the text itself. */

export interface Import {
  readonly specifier: string
  /** `type`: erased, nothing is loaded. `static`: loaded with the file. `dynamic`: loaded when it is asked for. */
  readonly kind: 'type' | 'static' | 'dynamic'
}

/** `import ... from`, `export ... from`, `import '...'` and `import('...')`, in code that `setStringsAside` left. */
const IMPORT = /(?<![.\w$])(?:(?:import|export)\s+(type\b)?[\w$*\s,{}]*?from\s*|import\s*(\(\s*)?)\0(\d+)\0/g

/** `import { type A }` loads its file under verbatimModuleSyntax and so counts as static. */
export function importsOf(text: string): Import[] {
  const { code, strings } = setStringsAside(text)
  return [...code.matchAll(IMPORT)].map(([, type, dynamic, index]) => ({
    specifier: strings[Number(index)] ?? '',
    kind: dynamic !== undefined ? 'dynamic' : type !== undefined ? 'type' : 'static',
  }))
}

const TOKEN = /\/\/.*|\/\*[\s\S]*?\*\/|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|[`/{}]/g
const TEMPLATE = /(?:\\[\s\S]|\$(?!\{)|[^`\\$])*(?:`|\$\{)/y
const REGEXP = /\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*/y
/** What stands before a `/` that begins a regular expression; after anything else it divides. */
const BEFORE_REGEXP =
  /(?:^|[(,=:[!&|?{};+\-*%<>~^]|\b(?:return|typeof|case|in|of|do|else|void|await|yield))\s*$/

/**
 * The code without comments, regular expressions and the text of templates, each string replaced by its number
 * between NULs: what is left has the word `import` only where something is imported.
 */
function setStringsAside(text: string): { code: string; strings: string[] } {
  const strings: string[] = []
  /** Braces that are open in the code of each `${` that we are in. */
  const templates: number[] = []
  let code = ''
  let at = 0
  const skip = (pattern: RegExp): string => {
    pattern.lastIndex = at
    const [skipped = ''] = pattern.exec(text) ?? []
    at += skipped.length
    return skipped
  }
  for (;;) {
    TOKEN.lastIndex = at
    const token = TOKEN.exec(text)
    code += text.slice(at, token?.index)
    if (token === null) return { code, strings }
    const [found] = token
    at = token.index + found.length
    if (found.startsWith('//') || found.startsWith('/*')) continue
    if (found === '`') {
      if (skip(TEMPLATE).endsWith('${')) templates.push(0)
    } else if (found === '/') {
      at = token.index
      if (!BEFORE_REGEXP.test(code) || skip(REGEXP) === '') at = token.index + 1
    } else if (found === '{' || found === '}') {
      code += found
      const open = templates.pop()
      if (open === undefined) continue
      if (found === '{') templates.push(open + 1)
      else if (open > 0) templates.push(open - 1)
      else if (skip(TEMPLATE).endsWith('${')) templates.push(0)
    } else {
      code += `\0${strings.push(found.slice(1, -1)) - 1}\0`
    }
  }
}

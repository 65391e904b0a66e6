import type { Matcher } from '../loads/mqtt/match.ts'

/** Routes as most MQTT routers have them: a regular expression each, tried one after the other. */
export const regexScan: Matcher = (filters) => {
  const routes = filters.map((filter) => {
    const names = [...filter.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!)
    return { filter, names, regex: new RegExp(`^${filter.replaceAll(/\{\w+\}/g, '([^/]+)')}$`) }
  })
  return (topic) => {
    for (const route of routes) {
      const captured = route.regex.exec(topic)
      if (captured === null) continue
      const params: Record<string, string | undefined> = {}
      for (const [index, name] of route.names.entries()) params[name] = captured[index + 1]
      return { route, params }
    }
    return undefined
  }
}

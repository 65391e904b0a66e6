/** How many workers of each class name got a name of their own in this process. */
const counts = new Map<string, number>()

/** `Mailer-1`, `Mailer-2`: by the name of the class, so that two classes of one name stay apart too. */
export function defaultName(className: string): string {
  const base = className === '' ? 'Worker' : className
  const count = (counts.get(base) ?? 0) + 1
  counts.set(base, count)
  return `${base}-${count}`
}

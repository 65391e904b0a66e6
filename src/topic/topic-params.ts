/**
 * The parameters of a filter, read from its literal: `{ sensorId: string }` for `sensors/{sensorId}/#`, and `rest`
 * for what `#` stands for. Of a filter that is only known as a string: any names.
 */
export type ParamsOf<Filter extends string> = string extends Filter
  ? Readonly<Record<string, string>>
  : { readonly [Name in NameIn<Filter>]: string }

type NameIn<Filter extends string> = Filter extends `${infer Level}/${infer Below}`
  ? NameOf<Level> | NameIn<Below>
  : NameOf<Filter>

type NameOf<Level extends string> = Level extends `{${infer Name}}`
  ? Name
  : Level extends '#'
    ? 'rest'
    : never

/** The filter of a route below the prefix of its group. */
export type Joined<Prefix extends string, Filter extends string> = Prefix extends ''
  ? Filter
  : Filter extends ''
    ? Prefix
    : `${Prefix}/${Filter}`

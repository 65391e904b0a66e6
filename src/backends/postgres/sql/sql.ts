/** What the texts of functions are made with. */
export interface Sql {
  /** The schema, quoted. */
  readonly s: string
  /** The first key of the locks of queues, and the top bits of low marks. */
  readonly space: number
  /**
   * The settings of functions. A scan of a table that was empty when a plan was made must not stay a scan of all of it, so
   * none may be planned; such plans look costly, and are not to be compiled for it. Plans are kept.
   */
  readonly planned: string
}

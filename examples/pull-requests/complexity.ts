/** How hard a pull request is to review: from 0, nothing, to 10, as bad as it gets. */
export function complexity(changedFiles: number, changedLines: number): number {
  return Math.min(changedFiles * 0.3 + changedLines * 0.001, 10)
}

/**
 * True for numbers that follow each other without a gap. What was added together is claimed and settled together,
 * so most batches are a run, and a run is one range of the table: no list has to be read, sorted and looked up.
 */
export function isRun(seqs: readonly number[]): boolean {
  const first = seqs[0]!
  return seqs.every((seq, at) => seq === first + at)
}

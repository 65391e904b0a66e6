/**
 * Whether what `claim` (c) says of a job (j) still holds. No job is FRESH again once it has left that place, so the
 * row of the job decides, and is what everybody locks who settles the job or takes it away.
 */
export const HOLDS = '(j.place = 0 OR j.place = 7 AND j.grant_id = c.grant_id)'

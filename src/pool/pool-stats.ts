import type { Crew } from './crew.ts'
import type { CrewMember } from './crew-member.ts'

/** A pool at one moment. */
export interface PoolStats {
  readonly workers: number
  /** Workers that are not ready yet. */
  readonly starting: number
  readonly waiting: number
  /** Sent to a worker and not ended: those that run, and those that wait there. */
  readonly sent: number
  /** Begun and not ended. */
  readonly running: number
  readonly completed: number
  readonly failed: number
  readonly cancelled: number
  /** Workers that ended although they were not asked to. */
  readonly crashes: number
  /** Tasks that were sent to one worker and taken back for another. */
  readonly recalled: number
  /** How busy the event loops of the workers are, 0 to 1; the mean. */
  readonly utilization: number
  readonly memoryBytes: number
}

/** The part of the statistics that its workers have. */
export function crewStats(
  crew: Crew,
): Pick<PoolStats, 'workers' | 'starting' | 'sent' | 'running' | 'utilization' | 'memoryBytes'> {
  const members = [...crew.members]
  const sum = (of: (member: CrewMember) => number): number => members.reduce((all, each) => all + of(each), 0)
  return {
    workers: crew.size,
    starting: crew.starting,
    sent: sum(({ sent }) => sent.size),
    running: sum(({ running }) => running),
    utilization: sum(({ utilization }) => utilization) / Math.max(1, members.length),
    memoryBytes: sum(({ memoryBytes }) => memoryBytes),
  }
}

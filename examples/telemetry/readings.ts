/** What devices say. Theirs is the clock, and they number what they measure from each of their boots on. */
import { z } from 'zod'

const numbered = {
  /** When it was measured, ms since 1970. */
  at: z.int().positive(),
  /** Which of its boots this is. */
  boot: z.int().nonnegative(),
  seq: z.int().nonnegative(),
}

export const temperature = z.object({ ...numbered, celsius: z.number().min(-60).max(150) })
export const humidity = z.object({ ...numbered, percent: z.number().min(0).max(100) })
export const state = z.object({
  state: z.enum(['online', 'offline', 'fault']),
  at: z.int().positive(),
  reason: z.string().optional(),
})
export const command = z.object({
  command: z.enum(['latest', 'minutes']),
  /** Sent back with the answer, for those who have no correlation data (MQTT 3.1.1). */
  id: z.string().optional(),
})

export type Kind = 'temperature' | 'humidity'

export interface Reading {
  readonly device: string
  readonly kind: Kind
  readonly value: number
  readonly at: number
  readonly boot: number
  readonly seq: number
}

/**
 * How long what runs left is kept, as `[retention]` of millrace.toml says it. What goes by these limits, and what stays
 * whatever they say, is decided in retention.ts. In every limit 0 is none.
 */
import * as z from 'zod'
import { tick } from './boundary.ts'

const KEYS = {
  runs_days: { fallback: 90, does: 'Finished runs older than so many days go; 0 sets no limit.' },
  runs_max: { fallback: 5000, does: 'Of more runs than this the oldest finished ones go; 0 sets no limit.' },
  runs_mib_max: {
    fallback: 10_240,
    does: 'Of runs that take more than so many MiB together the oldest finished ones go; 0 sets no limit.',
  },
  runs_keep: { fallback: 20, does: 'So many of the newest runs stay, whatever the limits say.' },
  logs_days: {
    fallback: 180,
    does: 'Parts of logs that were put aside go after so many days; 0 sets no limit. The usage ledger stays.',
  },
  logs_mib_max: {
    fallback: 1024,
    does: 'Of logs that take more than so many MiB the oldest parts put aside go; 0 sets no limit.',
  },
  mailbox_days: { fallback: 30, does: 'Commands carried out or refused go after so many days; 0 sets no limit.' },
  scratch_days: {
    fallback: 7,
    does: 'Folders of our own that a killed process left go after so many days; 0 sets no limit.',
  },
  hidden_refs_days: {
    fallback: 90,
    does: 'Working trees kept before stages of finished work go after so many days; 0 sets no limit.',
  },
} as const

const amount = z.int().min(0).max(1_000_000_000)

const each = <T>(make: (key: { fallback: number; does: string }) => T) =>
  Object.fromEntries(Object.entries(KEYS).map(([name, key]) => [name, make(key)])) as Record<keyof typeof KEYS, T>

/** Limits of one collection. */
export const RetentionLimits = z
  .strictObject(each(({ does }) => amount.describe(does)))
  .describe('What is to go: limits in days, numbers and MiB; 0 is none.')
export type RetentionLimits = z.infer<typeof RetentionLimits>

/** By these nothing goes. */
export const NO_LIMITS: RetentionLimits = each(() => 0)

export const RetentionConfig = z.strictObject({
  automatic: z
    .boolean()
    .default(false)
    .meta(tick('The daemon removes by itself what may go, when it is idle and when the disk is nearly full.')),
  every_hours: z.int().min(1).default(24).meta(tick('Hours from one such round to the next.')),
  ...each(({ fallback, does }) => amount.default(fallback).meta(tick(does))),
})
export type RetentionConfig = z.infer<typeof RetentionConfig>

/** The limits without what says when they are applied. */
export function limitsOf({ automatic: _automatic, every_hours: _hours, ...limits }: RetentionConfig): RetentionLimits {
  return limits
}

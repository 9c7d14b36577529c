/** What `logs` gives: the last events at once, or one record per line and last how it ended. */
import * as z from 'zod'

const count = (what: string) => z.int().min(0).describe(what)

export const LoggedEvent = z
  .strictObject({
    schema_version: z.literal('1.0').describe('Form of the record.'),
    kind: z.literal('runtime_event').describe('What it is.'),
    event_type: z.string().describe('What happened, in a word.'),
    occurred_at: z.string().describe('When (ISO time).'),
    data: z.record(z.string(), z.unknown()).describe('Its particulars, by event type.'),
  })
  .describe('Something that happened.')
export type LoggedEvent = z.infer<typeof LoggedEvent>

const skipped = count('Lines passed over because they hold no event.')

export const Logs = z
  .strictObject({ events: z.array(LoggedEvent).describe('Oldest first.'), skipped })
  .describe('The last events.')
export type LogsOutput = z.infer<typeof Logs>

export const LogsEnd = z
  .strictObject({
    end: z.strictObject({
      reason: z
        .enum(['limit', 'idle', 'interrupted', 'closed'])
        .describe('`limit` and `idle`: as asked for. `closed`: nobody reads any more.'),
      events: count('Events told.'),
      skipped,
    }),
  })
  .describe('The last line with --follow: how the following ended.')
export type LogsEnd = z.infer<typeof LogsEnd>

/** What `why` gives. */
import * as z from 'zod'
import { VERDICTS, WAITS } from '../why/account.ts'

const time = (what: string) => z.string().nullable().describe(`${what} (ISO time), where that is known.`)

const Because = z
  .strictObject({
    code: z.string().describe('What kind of fact; stable.'),
    fact: z.string().describe('The fact in words.'),
    path: z.string().nullable().describe('File that says so, relative to the workspace.'),
    event: z.string().nullable().describe('Type of the event that says so, in the event log.'),
    at: time('Since when, or when it was seen'),
  })
  .describe('One fact. Either path or event is given.')

const Next = z.strictObject({
  what: z.string().describe('What happens, or has to happen, next.'),
  when: time('When it happens by itself'),
  who: z.enum(['runtime', 'agent', 'provider', 'person']).describe('Who sees to it.'),
})

const Step = z.strictObject({
  node_id: z.string().describe('Node whose stage decided.'),
  outcome: z.string().describe('What the stage reported.'),
  to: z.string().describe('Node it led to, or `terminal:` and the end it led to.'),
  reason: z.string().describe('Why it went that way.'),
  at: z.string().describe('When it was decided (ISO time).'),
})

export const Why = z
  .strictObject({
    subject: z
      .strictObject({
        type: z.enum(['item', 'run', 'plane']).describe('What was asked about.'),
        id: z.string().describe('Its id.'),
        work_item_kind: z.string().nullable().describe('Kind of the item.'),
        state: z.string().nullable().describe('Folder of the item, or how the run stands.'),
        title: z.string().nullable().describe('Heading of the item.'),
        run_id: z.string().nullable().describe('Its run, or the last one on record.'),
      })
      .describe('What the answer is about.'),
    verdict: z
      .enum(VERDICTS)
      .describe(
        '`working`: something is being done. `waiting`: for what waits_for says. `looping`: the same again without progress. `wedged`: an agent without any sign of life. `finished`: nothing is left to do.',
      ),
    waits_for: z
      .array(z.enum(WAITS))
      .describe('What it waits for; the first needs a person if any does. `turn`: nothing but its place in the order.'),
    because: z
      .array(Because)
      .describe('The facts the verdict rests on; of a queued item everything that stands before it.'),
    next: z.array(Next).describe('What happens next.'),
    can: z.array(z.string()).describe('Commands that would be accepted now.'),
    path: z.array(Step).describe('Of a run: the decisions so far, in order.'),
    not_taken: Step.nullable().describe('Of a finished run: the nearest way it did not take.'),
  })
  .describe('Why something stands where it stands.')
export type WhyOutput = z.infer<typeof Why>

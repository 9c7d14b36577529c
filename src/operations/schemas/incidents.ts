/** What listing incidents gives. */
import * as z from 'zod'
import { ITEM_STATES } from '../../core/item.ts'

const text = (what: string) => z.string().describe(what)
const maybe = (what: string) => z.string().nullable().describe(what)
const count = (what: string) => z.int().min(0).describe(what)
const State = z.enum(ITEM_STATES).describe('Where it stands: `queued` is incoming, `done` is resolved.')

export const IncidentRow = z.strictObject({
  incident_id: text('Id.'),
  state: State,
  title: text('Heading.'),
  severity: maybe('How bad it is.'),
  failure_class: maybe('Kind of failure.'),
  source_plane: maybe('Lane that raised it.'),
  source_stage: maybe('Stage kind that raised it.'),
  source_task_id: maybe('Task on whose account it was raised.'),
  source_spec_id: maybe('Spec on whose account it was raised.'),
  root_spec_id: maybe('Root spec whose lineage it belongs to.'),
  opened_at: text('When (ISO time).'),
  opened_by: maybe('Who opened it.'),
  trigger_reason: maybe('Why.'),
  summary: maybe('What happened, in a sentence.'),
  related_run_ids: z.array(z.string()).describe('Runs it concerns.'),
  run_id: maybe('Run that serves it, while active.'),
  path: text('Its document.'),
})
export type IncidentRow = z.infer<typeof IncidentRow>

export const IncidentsLs = z
  .strictObject({
    counts: z
      .strictObject({
        queued: count('Incoming.'),
        active: count('Being served.'),
        blocked: count('Need somebody.'),
        quarantined: count('Set aside by somebody.'),
        done: count('Resolved.'),
        cancelled: count('Dropped.'),
      })
      .describe('Documents by state.'),
    incident_count: count('Incidents of the choice, shown or not.'),
    incidents: z.array(IncidentRow).describe('Those that ask for something first.'),
    unreadable: z
      .array(
        z.strictObject({
          path: text('The document.'),
          state: State,
          set_aside: z.boolean().describe('Whether the runtime has put it aside already.'),
          faults: z.array(z.string()).describe('What is wrong with it.'),
        }),
      )
      .describe('Documents that cannot be read.'),
  })
  .describe('Incidents.')
export type IncidentsLsOutput = z.infer<typeof IncidentsLs>

/** What the self-test gives. */
import * as z from 'zod'
import { STATE_KINDS, type StateKind } from '../../selftest/disk-states.ts'
import type { SelftestOutput } from '../selftest.ts'

const State = z.enum(Object.keys(STATE_KINDS) as [StateKind, ...StateKind[]])

export const Selftest: z.ZodType<SelftestOutput> = z
  .strictObject({
    ok: z.boolean().describe('Whether every crash that was judged left nothing lost, doubled or stuck.'),
    interrupted: z.boolean().describe('Whether it was ended by a signal before all crashes were judged.'),
    folder: z.string().describe('Folder the scratch folder was made in.'),
    seed: z.int().describe('Draws the same crashes again with --seed.'),
    duration_seconds: z.number().describe('How long it took.'),
    file_system: z
      .strictObject({
        links: z.boolean().describe('A second name for a file can be made, and is refused where one is there.'),
        renames: z.boolean().describe('A file renamed onto another takes its place.'),
        flushes_folders: z.boolean().describe('Folders can be flushed, so that names can be made to last.'),
        case_sensitive: z.boolean().describe('Names that differ in case alone are different names.'),
        flush_milliseconds: z.number().describe('One flushed write; under 0.5 the disk acknowledges early.'),
      })
      .describe('What the file system can do of what Millrace asks of one.'),
    stories: z.int().describe('Stories the crashes are drawn from.'),
    crash_points: z.int().describe('Moments of these stories at which the runtime can die.'),
    judged: z.int().describe('Crashes that were judged.'),
    states: z
      .array(
        z.strictObject({
          state: State.describe('Kind of state the disk is left in.'),
          what: z.string().describe('What that is.'),
          judged: z.int().describe('Crashes of this kind.'),
          held: z.int().describe('Those after which everything held.'),
        }),
      )
      .describe('The crash table.'),
    broken: z
      .array(
        z.strictObject({
          story: z.string().describe('The story that was interrupted.'),
          state: State.describe('Kind of state the disk was left in.'),
          after: z.string().describe('The operation it was interrupted after, and what survived.'),
          what: z.array(z.string()).describe('What did not hold, as sentences.'),
        }),
      )
      .describe('Crashes after which something did not hold.'),
  })
  .describe('How the crash table went on this file system.')

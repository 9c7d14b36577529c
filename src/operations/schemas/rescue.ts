/** What the rescue operations give. */
import * as z from 'zod'

const text = (what: string) => z.string().describe(what)
const maybe = (what: string) => z.string().nullable().describe(what)
const count = (what: string) => z.int().min(0).describe(what)

export const RescueTree = z.strictObject({
  ref: text('Hidden git ref that keeps the tree.'),
  commit: text('Commit the ref points to; its parent is the HEAD of that time.'),
  tree: text('Git tree id.'),
  kept_at: text('When it was kept (ISO time).'),
  subject: text('What it was kept for.'),
  run_id: maybe('Run of the stage it was kept before; null for one kept before a restore.'),
  request_id: maybe('Stage run it was kept before.'),
  node_id: maybe('Node of that stage run.'),
  workspace: text('Workspace it was kept for.'),
  left_out: z.array(z.string()).describe('Paths it does not hold, with the reason; at most 20 are named.'),
})
export type RescueTree = z.infer<typeof RescueTree>

export const RescueList = z
  .strictObject({
    protection: z.enum(['on', 'off']).describe('Whether the working tree is kept before each stage.'),
    reason: maybe('Why it is not.'),
    remedy: maybe('How to turn it on.'),
    repository: maybe('Top folder of the git working tree.'),
    trees: z.array(RescueTree).describe('Kept trees, newest first.'),
  })
  .describe('Working trees that were kept.')
export type RescueListOutput = z.infer<typeof RescueList>

const path = text('Path relative to the top of the repository; quoted as git does it where it is no plain text.')

export const RescueShow = z
  .strictObject({
    ...RescueTree.shape,
    differences: z
      .array(
        z.strictObject({
          path,
          change: z
            .enum(['added', 'changed', 'missing'])
            .describe('Whether the file is new since, has changed since, or is gone since.'),
        }),
      )
      .nullable()
      .describe('How the present working tree differs from the kept one; at most 5000. Null if a path was asked for.'),
    difference_count: count('Files that differ.'),
    present_left_out: z.array(z.string()).describe('Present paths that could not be compared, with the reason.'),
    content: z
      .strictObject({
        path,
        mode: text('Git mode: 100644 file, 100755 executable file, 120000 symbolic link.'),
        bytes: count('Size.'),
        encoding: z.enum(['utf8', 'base64']).describe('How the bytes are given.'),
        text: text('The content, at most its first MiB.'),
        truncated: z.boolean().describe('Whether more is kept than given.'),
      })
      .nullable()
      .describe('The kept file; null if no path was asked for.'),
  })
  .describe('A kept tree beside the present one, or one kept file.')
export type RescueShowOutput = z.infer<typeof RescueShow>

export const RestoreFile = z.strictObject({
  path,
  action: z
    .enum(['create', 'overwrite', 'blocked', 'skip'])
    .describe(
      '`create`: it is not there. `overwrite`: its present content differs; needs --force. `blocked`: something is in the way. `skip`: a repository of its own, which is left to its own git.',
    ),
  reason: maybe('Why it is blocked or skipped.'),
})
export type RestoreFile = z.infer<typeof RestoreFile>

export const RescueRestore = z
  .strictObject({
    ...RescueTree.shape,
    state: z
      .enum(['preview', 'applied', 'refused', 'nothing'])
      .describe('`nothing`: every file asked for is as it was kept. Only `applied` has written anything.'),
    applied: z.boolean().describe('Whether files were written.'),
    detail: text('In a sentence.'),
    present_ref: maybe('Ref that keeps the working tree as it was right before files were written.'),
    files: z.array(RestoreFile).describe('Files that differ from the kept ones; at most 5000.'),
    file_count: count('Files that differ from the kept ones.'),
    left_in_place: count('Files of the working tree that the kept tree does not have; they stay.'),
  })
  .describe('What a restore would do, or did.')
export type RescueRestoreOutput = z.infer<typeof RescueRestore>

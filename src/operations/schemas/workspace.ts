/** What making a workspace and bringing one up to date gives. */
import * as z from 'zod'
import { ADOPTION_ACTIONS } from '../../core/adoption.ts'
import { DISPOSITION_NAMES, DISPOSITIONS } from '../../core/baseline.ts'
import type { InitOutput } from '../workspace/init.ts'

const text = (what: string) => z.string().describe(what)
const maybe = (what: string) => z.string().nullable().describe(what)
const texts = (what: string) => z.array(z.string()).describe(what)
const count = (what: string) => z.int().min(0).describe(what)
const flag = (what: string) => z.boolean().describe(what)

export const Init = z
  .strictObject({
    workspace: text('Directory that is served.'),
    initialized: flag('Always true.'),
    bundle_version: text('Version of the package.'),
    created: texts('What was missing and is there now, relative to the runtime root; folders end with a slash.'),
    overwritten: texts('Deployed files that have the bytes of the package again.'),
    replaced: z
      .array(
        z.strictObject({ path: text('An overwritten file that was edited.'), kept_as: text('Its edited version.') }),
      )
      .describe('Edited files that were overwritten.'),
    created_file_count: count('Files created.'),
    overwritten_file_count: count('Files overwritten.'),
    created_directory_count: count('Folders created.'),
  })
  .describe('A workspace that was made.')
Init satisfies z.ZodType<InitOutput>

const Migration = z.strictObject({
  state_family: text('Which state.'),
  action: z
    .enum(['none', 'rewrite_state', 'materialize_from_breadcrumbs'])
    .describe('What is done about it: nothing, written in the format in force, or made from what other files tell.'),
  state_path: text('Its file or folder, relative to the runtime root.'),
  deferred_dir: maybe('Where what is made from other files is kept meanwhile.'),
  breadcrumb_file_count: count('Files it is made from.'),
  would_write_state_file: flag('Whether something is to be written.'),
  wrote_state_file: flag('Whether it was written.'),
  summary: text('The same in a sentence.'),
})
export type Migration = z.infer<typeof Migration>

export const Upgrade = z
  .strictObject({
    applied: flag('Whether anything was written.'),
    state: z
      .enum(['preview', 'applied', 'refused', 'nothing'])
      .describe('`refused`: something is in conflict. `nothing`: the workspace is up to date.'),
    detail: text('The same in a sentence.'),
    adoption: z
      .strictObject({
        from: text('The runtime that wrote the workspace, such as `python 0.16`.'),
        kept_in: text('Where what is replaced or set aside is kept as it was, relative to the runtime root.'),
        steps: z
          .array(
            z.strictObject({
              action: z.enum(ADOPTION_ACTIONS).describe('What becomes of it.'),
              path: text('File, or folder with a trailing slash, relative to the runtime root.'),
              note: text('Why, or what it is.'),
            }),
          )
          .describe('What is done, and what is left alone.'),
        differing_documents: z
          .array(z.strictObject({ path: text('The document.'), note: text('What is different.') }))
          .describe('Documents that are read otherwise than by that runtime; their bytes stay.'),
      })
      .nullable()
      .describe('Taking over the workspace of another runtime; null for one of ours.'),
    workspace_root: text('Directory that is served.'),
    bundle_version: text('Version of the package.'),
    baseline_manifest_id: maybe('Manifest of what was deployed.'),
    candidate_manifest_id: text('Manifest of what the package has.'),
    result_manifest_id: maybe('Manifest that is in force afterwards; null where nothing was written.'),
    dispositions: z
      .strictObject(
        Object.fromEntries(DISPOSITION_NAMES.map((name) => [name, count(DISPOSITIONS[name])])) as Record<
          (typeof DISPOSITION_NAMES)[number],
          z.ZodInt
        >,
      )
      .describe('Files of each kind.'),
    entries: z
      .array(
        z.strictObject({
          relative_path: text('Below the runtime root.'),
          disposition: z.enum(DISPOSITION_NAMES).describe('What is made of it.'),
        }),
      )
      .describe('Every file that was deployed or is now, by path.'),
    manifest_file_count: count('Files the package has for a workspace.'),
    manifest_directory_count: count('Folders they lie in.'),
    would_create: texts('Files that are missing.'),
    would_update: texts('Files never edited of which the package has newer ones.'),
    unchanged: texts('Files that are what the package has.'),
    conflicting_paths: texts('Paths of which a person has to decide.'),
    would_materialize_runtime_owned: texts('Folders and first files of every workspace that are missing.'),
    preserved_runtime_owned: texts('Those that are there; they are left alone.'),
    preserved_operator_owned: texts('Other files beside prompts, skills, documents and assets; they are left alone.'),
    persisted_state_migrations: z.array(Migration),
    created_files: texts('Files that were created.'),
    updated_files: texts('Files that were updated.'),
    materialized_runtime_owned: texts('Folders and first files that were made.'),
    created_directory_count: count('Folders that were made.'),
    created_file_count: count('Files that were created.'),
    updated_file_count: count('Files that were updated.'),
  })
  .describe('What an upgrade does to a workspace.')
export type UpgradeOutput = z.infer<typeof Upgrade>

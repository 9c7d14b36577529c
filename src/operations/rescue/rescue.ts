/** Rescue: working trees kept in hidden git refs before each stage: which there are, what they hold, getting files back. */
import { MillraceError } from '../../core/errors.ts'
import type { InputField, Operation } from '../../core/operation.ts'
import { findRepository } from '../../engine/git.ts'
import { shownPath } from '../../engine/git-path.ts'
import { contentOf, differences, entriesOf, REPOSITORY_MODE } from '../../engine/kept-tree.ts'
import { keptTrees, leftOutLines } from '../../engine/rescue-refs.ts'
import { readWorkingTree } from '../../engine/working-tree.ts'
import { type Context, requireWorkspace } from '../context.ts'
import type { RescueListOutput, RescueRestoreOutput, RescueShowOutput } from '../schemas/rescue.ts'
import { type RestoreInput, restoreFiles } from './restore.ts'
import { FILES_LISTED_MAX, filesAt, inScratch, optionsFor, repositoryOf, treeMeant } from './trees.ts'

const CONTENT_BYTES_MAX = 1024 * 1024

const ref: InputField = {
  name: 'ref',
  type: 'text',
  positional: true,
  required: true,
  placeholder: 'REF',
  description: 'Ref, request id or run id, or a unique start of it; of a run the newest tree.',
}

export const list: Operation<Context, { run?: string }, RescueListOutput> = {
  name: 'rescue ls',
  flavour: 'read',
  summary: 'Working trees kept before each stage.',
  description:
    'Before a stage starts, the git working tree (tracked and untracked files, not ignored ones) is kept as a hidden ref, so that no edit is lost. Lists the kept trees, newest first, and says why there are none where that protection is off.',
  input: [{ name: 'run', type: 'text', placeholder: 'RUN', description: 'Only those of this run.' }],
  examples: [
    { command: 'millrace rescue ls', does: 'see which working trees are kept' },
    { command: 'millrace rescue ls --run run-4f0c', does: 'only those of one run' },
  ],
  output: async () => (await import('../schemas.ts')).rescueListSchema(),
  async run(context, { run }) {
    requireWorkspace(context)
    const found = await findRepository(context, context.workspaceRoot)
    if (!found.on) return { protection: 'off', reason: found.reason, remedy: found.remedy, repository: null, trees: [] }
    const trees = await keptTrees(found.repository, optionsFor(context))
    const wanted = trees.filter(
      (one) => run === undefined || one.run_id?.startsWith(run) || one.run_id?.startsWith(`run-${run}`),
    )
    return { protection: 'on', reason: null, remedy: null, repository: found.repository.top, trees: wanted }
  },
}

export const show: Operation<Context, { ref: string; path?: string }, RescueShowOutput> = {
  name: 'rescue show',
  flavour: 'read',
  summary: 'How the working tree differs from a kept one, or one kept file.',
  description:
    'Compares the present working tree with a kept one: files that are new since, changed since, or gone since. With PATH: the kept content of that file. Changes nothing.',
  input: [
    ref,
    {
      name: 'path',
      type: 'text',
      positional: true,
      placeholder: 'PATH',
      description: 'A file, as the comparison names it.',
    },
  ],
  examples: [
    { command: 'millrace rescue show run-4f0c', does: 'see what has changed since the last stage of that run began' },
    { command: 'millrace rescue show run-4f0c src/login.ts', does: 'print that file as it was' },
  ],
  output: async () => (await import('../schemas.ts')).rescueShowSchema(),
  async run(context, { ref: given, path }) {
    requireWorkspace(context)
    const repository = await repositoryOf(context)
    const options = optionsFor(context)
    const kept = await treeMeant(repository, given, options)
    const nothing = { differences: null, difference_count: 0, present_left_out: [], content: null }
    if (path !== undefined) {
      const entries = await entriesOf(repository, kept.tree, options)
      const [file = '', ...others] = filesAt(repository, entries, path)
      const entry = entries.get(file)!
      if (others.length > 0 || entry.mode === REPOSITORY_MODE)
        throw new MillraceError('rescue_unknown', `${path} is a folder in the kept tree.`, {
          hint: 'name a file in it',
        })
      const bytes = Buffer.from(await contentOf(repository, file, entry, options))
      return { ...kept, ...nothing, content: { path: shownPath(file), mode: entry.mode, ...told(bytes) } }
    }
    return inScratch(context, async (scratch) => {
      const present = await readWorkingTree(repository, { ...options, scratch, quarantine: true })
      const found = await differences(repository, kept.tree, present.tree, { ...options, env: present.env })
      return {
        ...kept,
        ...nothing,
        differences: found
          .slice(0, FILES_LISTED_MAX)
          .map(({ path: file, change }) => ({ path: shownPath(file), change })),
        difference_count: found.length,
        present_left_out: leftOutLines(present.leftOut),
      }
    })
  },
}

/** Text where the bytes are some; what is cut off in the middle of a letter still is. */
function told(bytes: Buffer): Omit<NonNullable<RescueShowOutput['content']>, 'path' | 'mode'> {
  const truncated = bytes.length > CONTENT_BYTES_MAX
  const head = bytes.subarray(0, CONTENT_BYTES_MAX)
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(head, { stream: truncated })
    return { bytes: bytes.length, encoding: 'utf8', text, truncated }
  } catch {
    return { bytes: bytes.length, encoding: 'base64', text: head.toString('base64'), truncated }
  }
}

export const restore: Operation<Context, RestoreInput, RescueRestoreOutput> = {
  name: 'rescue restore',
  flavour: 'perform',
  summary: 'Bring files of a kept tree back.',
  description:
    'Previews which files would be written; --apply writes them. A file whose present content differs is not overwritten without --force: then nothing is written at all, and the answer lists the files. Before the first byte is written the present working tree is kept under a ref of its own, so that nothing is lost either way. Files the kept tree does not have stay; index, HEAD and branches are not touched.',
  input: [
    ref,
    {
      name: 'path',
      type: 'list',
      positional: true,
      placeholder: 'PATH',
      description: 'Only these files, or all below these folders.',
    },
    { name: 'apply', type: 'flag', description: 'Write the files.' },
    { name: 'dry_run', type: 'flag', description: 'Only preview, which is the default.' },
    { name: 'force', type: 'flag', description: 'Overwrite files that differ, and do it while a stage is running.' },
  ],
  examples: [
    { command: 'millrace rescue restore run-4f0c', does: 'see which files would be written' },
    { command: 'millrace rescue restore run-4f0c src/login.ts --apply', does: 'bring one deleted file back' },
  ],
  output: async () => (await import('../schemas.ts')).rescueRestoreSchema(),
  async run(context, input) {
    requireWorkspace(context)
    if (input.apply === true && input.dry_run === true)
      throw new MillraceError('usage', '--apply and --dry-run exclude each other.', { hint: 'give one of them' })
    return restoreFiles(context, input)
  },
}

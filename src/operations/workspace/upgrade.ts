/** Bringing a workspace up to the package it is used with: looked at by default, done with --apply. */
import { originalsOf } from '../../core/baseline.ts'
import { MillraceError } from '../../core/errors.ts'
import type { Operation } from '../../core/operation.ts'
import type { Adoption, AdoptionPorts } from '../../store/adopt/adopt.ts'
import { utf8 } from '../../store/files.ts'
import { Workspace } from '../../store/workspace.ts'
import {
  conflictsOf,
  type Decisions,
  isNothing,
  makeMissingFolders,
  planUpgrade,
  type UpgradePlan,
  type UpgradePorts,
  upgradeChanges,
} from '../../store/workspace-upgrade.ts'
import { type Context, placesIn } from '../context.ts'
import type { UpgradeOutput } from '../schemas/workspace.ts'
import { reportOf } from './upgrade-report.ts'

interface UpgradeInput {
  apply?: boolean
  keep?: string[]
  localize_removed?: string[]
  localize_removed_from?: string
}

export const upgrade: Operation<Context, UpgradeInput, UpgradeOutput> = {
  name: 'upgrade',
  flavour: 'perform',
  summary: 'Bring a workspace up to the package, and keep what was edited.',
  description:
    'Compares the prompts, skills and documents of the workspace with those that were deployed and those of the package, and shows what it would do; writes nothing. With --apply it refreshes what nobody edited, brings back what is missing, makes folders and first files of the runtime that are gone, and puts state files into the format in force, all in one transaction. What was edited is kept; millrace.toml is never rewritten. A file that was edited here and changed in the package, or is gone from it, is a conflict: nothing is written before it is decided with --keep or --localize-removed, or the file is moved away. A workspace of the Python runtime 0.14 or 0.16 is adopted first: its state is translated and kept as it was in state/pre-upgrade-<id>/, a result that was never routed is settled by the next runtime, and documents and runs stay as they are. Refused while a runtime owns the workspace. To put edited files back to what the package has, use `millrace init --force`.',
  input: [
    { name: 'apply', type: 'flag', description: 'Do it; without, it is only shown.' },
    {
      name: 'keep',
      type: 'list',
      placeholder: 'PATH',
      names: 'file',
      description: 'Keep this file as it is here, though the package has another; may be repeated.',
    },
    {
      name: 'localize_removed',
      type: 'list',
      placeholder: 'PATH',
      names: 'file',
      description: 'Keep this file, which the package has no more, as one of the workspace; may be repeated.',
    },
    {
      name: 'localize_removed_from',
      type: 'text',
      placeholder: 'FILE',
      names: 'file',
      description:
        'The same for every path in a file, a line each; blank lines and those that begin with # are skipped.',
    },
  ],
  examples: [
    { command: 'millrace upgrade', does: 'see what is old, missing, edited or in conflict' },
    { command: 'millrace upgrade --apply', does: 'bring the workspace up to date' },
    {
      command: 'millrace upgrade --keep entrypoints/execution/builder.md --apply',
      does: 'keep your builder prompt where the package has a newer one',
    },
  ],
  output: async () => (await import('../schemas.ts')).upgradeSchema(),
  async run(context, input) {
    const { files, packageRoot, version } = context
    const ports: UpgradePorts = { files, places: placesIn(context), packageRoot, version }
    if (files.stat(ports.places.runtime)?.kind !== 'directory') {
      throw new MillraceError('workspace_missing', `There is no Millrace workspace in ${context.workspaceRoot}.`, {
        hint: `create one with: millrace init --workspace ${context.workspaceRoot}`,
      })
    }
    const decisions = await decisionsOf(context, input)
    const { adoptionOf, applyAdoption } = await import('../../store/adopt/adopt.ts')
    const adopting = adoptionPorts(context)
    const adoption = adoptionOf(adopting, ports.places)
    const after = adoption === null ? ports : { ...ports, files: adoption.after }
    const plan = planUpgrade(after, decisions)
    checkDecisions(plan, decisions)
    const apply = input.apply === true && !context.dryRun
    if (apply && conflictsOf(plan).length === 0) await applyAdoption(adopting, ports.places)
    if (isNothing(plan) && conflictsOf(plan).length === 0 && (adoption === null || apply))
      return reportOf(ports, plan, adoption === null ? 'nothing' : 'applied', adoption)
    if (!apply) return reportOf(after, plan, 'preview', adoption)
    if (conflictsOf(plan).length > 0) return reportOf(after, plan, 'refused', adoption)
    return carryOut(context, ports, decisions, adoption)
  },
}

/** Decides again on what is there once nobody else may write. */
async function carryOut(
  context: Context,
  ports: UpgradePorts,
  decisions: Decisions,
  adoption: Adoption | null,
): Promise<UpgradeOutput> {
  const workspace = await Workspace.open(context, context.workspaceRoot, { onFatal })
  try {
    const plan = planUpgrade(ports, decisions)
    if (conflictsOf(plan).length > 0) return reportOf(ports, plan, 'refused', adoption)
    const report = reportOf(ports, plan, 'applied', adoption)
    await makeMissingFolders(workspace.guardedFiles, ports.places, plan)
    const { now, snapshot } = workspace.view()
    await workspace.commit([
      ...upgradeChanges(plan, now, ports.files, ports.places),
      { change: 'state.set', snapshot: { ...snapshot, updated_at: now } },
    ])
    return report
  } finally {
    await workspace.close()
  }
}

const onFatal = (error: MillraceError): never => {
  throw error
}

const adoptionPorts = ({ files, clock, processes, packageRoot: root, version }: Context): AdoptionPorts => ({
  files,
  clock,
  processes,
  installed: { root, version },
  onFatal,
})

async function decisionsOf(context: Context, input: UpgradeInput): Promise<Decisions> {
  const listed = input.localize_removed_from === undefined ? [] : await linesOf(context, input.localize_removed_from)
  return {
    localized: new Set([...(input.localize_removed ?? []), ...listed].map(checkedPath)),
    kept: new Set((input.keep ?? []).map(checkedPath)),
  }
}

async function linesOf(context: Context, file: string): Promise<string[]> {
  try {
    const text = utf8.decode(await context.readUserFile(file))
    return text
      .split(/\r?\n/)
      .map((line) => line.trim())
      .filter((line) => line !== '' && !line.startsWith('#'))
  } catch (cause) {
    if (MillraceError.is(cause)) throw cause
    throw new MillraceError('file_unreadable', `${file} is not UTF-8 text.`)
  }
}

/** As in the output of a preview; below the runtime root, and nothing else. */
function checkedPath(given: string): string {
  const path = given.replace(/^\.\//, '').replace(/^millrace-agents\//, '')
  if (path !== '' && !path.startsWith('/') && !path.split('/').includes('..')) return path
  throw new MillraceError('usage', `${JSON.stringify(given)} is no path below the runtime root.`, {
    hint: 'take it from the answer of `millrace upgrade`, such as entrypoints/execution/builder.md',
  })
}

function checkDecisions(plan: UpgradePlan, { localized, kept }: Decisions): void {
  const known = new Map(plan.files.map(({ path, disposition }) => [path, disposition]))
  const originals = originalsOf(plan.baseline)
  const hint = 'see which files are in conflict with `millrace upgrade`'
  for (const path of localized) {
    if (known.get(path) === 'localized_removed' && originals.has(path)) continue
    throw new MillraceError('usage', `${path} is no deployed file that the package has no more.`, { hint })
  }
  for (const path of kept) {
    if (known.get(path) === 'local_only_modification') continue
    throw new MillraceError('usage', `${path} is no file that was edited here and changed in the package.`, { hint })
  }
}

/** How the making of a workspace, and bringing one up to date, reads. */
import type { UpgradeOutput } from '../../operations/schemas/workspace.ts'
import type { InitOutput } from '../../operations/workspace/init.ts'
import type { Look } from '../look.ts'
import { pairs } from './quoted.ts'

export function init(output: InitOutput, look: Look): string {
  if (!look.terminal) {
    return [
      look.field('workspace', output.workspace),
      look.field('initialized', output.initialized),
      ...output.created.map((path) => look.field('created', path)),
      ...output.overwritten.map((path) => look.field('overwritten', path)),
      ...output.replaced.map((one) => look.field('replaced', pairs(one))),
      look.field('bundle_version', output.bundle_version),
      look.field('created_file_count', output.created_file_count),
      look.field('overwritten_file_count', output.overwritten_file_count),
      look.field('created_directory_count', output.created_directory_count),
    ].join('\n')
  }
  const { paint } = look
  const { created, overwritten, replaced } = output
  if (created.length + overwritten.length === 0)
    return `${paint.green('✓')} ${look.safe(output.workspace)} is a Millrace workspace already; nothing was missing.`
  return [
    `${paint.green('✓')} ${look.safe(output.workspace)} is a Millrace workspace.`,
    ...(created.length === 0 ? [] : [`  created in millrace-agents/: ${foldersOf(created).join(', ')}`]),
    ...(overwritten.length === 0 ? [] : [`  as in the package again: ${foldersOf(overwritten).join(', ')}`]),
    ...replaced.map((one) => `  your ${look.safe(one.path)} is kept as ${look.safe(one.kept_as)}`),
    paint.dim('  git ignores that folder; its .gitignore says how to version the work documents all the same'),
    '',
    'Next:',
    `  ${paint.bold('millrace add-task "What is to be done"')}`,
    `  ${paint.bold('millrace run daemon')}`,
  ].join('\n')
}

/** First parts of the paths with how many entries were created below each. */
function foldersOf(created: readonly string[]): string[] {
  const counts = new Map<string, number>()
  for (const path of created) {
    const [first, ...rest] = path.split('/')
    const name = rest.length > 0 ? `${first}/` : first!
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return [...counts].map(([name, count]) => (count > 1 ? `${name} (${count})` : name))
}

export function upgrade(output: UpgradeOutput, look: Look): string {
  return look.terminal ? upgradeForPeople(output, look) : upgradeForPrograms(output, look)
}

function upgradeForPrograms(output: UpgradeOutput, look: Look): string {
  const lists = [
    'conflicting_paths',
    'would_create',
    'would_update',
    'would_materialize_runtime_owned',
    'preserved_operator_owned',
    'created_files',
    'updated_files',
    'materialized_runtime_owned',
  ] as const
  return [
    look.field('applied', output.applied),
    look.field('baseline_manifest_id', output.baseline_manifest_id),
    look.field('candidate_manifest_id', output.candidate_manifest_id),
    ...(output.result_manifest_id === null ? [] : [look.field('result_manifest_id', output.result_manifest_id)]),
    ...Object.entries(output.dispositions).map(([name, count]) => look.field(name, count)),
    ...output.entries.map(({ relative_path, disposition }) => look.field('entry', `${relative_path} ${disposition}`)),
    look.field('state', output.state),
    look.field('detail', output.detail),
    ...(output.adoption === null ? [] : adoptionForPrograms(output.adoption, look)),
    look.field('workspace_root', output.workspace_root),
    look.field('bundle_version', output.bundle_version),
    look.field('manifest_file_count', output.manifest_file_count),
    look.field('manifest_directory_count', output.manifest_directory_count),
    ...lists.flatMap((name) => output[name].map((path) => look.field(name, path))),
    ...output.persisted_state_migrations.map(({ state_family, action, state_path }) =>
      look.field('persisted_state_migration', pairs({ state_family, action, state_path })),
    ),
    look.field('created_directory_count', output.created_directory_count),
    look.field('created_file_count', output.created_file_count),
    look.field('updated_file_count', output.updated_file_count),
  ].join('\n')
}

type Adoption = NonNullable<UpgradeOutput['adoption']>

function adoptionForPrograms({ from, kept_in, steps, differing_documents }: Adoption, look: Look): string[] {
  return [
    look.field('adopted_from', from),
    look.field('kept_in', kept_in),
    ...steps.map((step) => look.field('adoption_step', pairs(step))),
    ...differing_documents.map((one) => look.field('differing_document', pairs(one))),
  ]
}

function adoptionForPeople({ kept_in, steps, differing_documents }: Adoption, look: Look): string[] {
  const line = (what: string, path: string, note: string) => `  ${what} ${look.safe(path)}: ${look.safe(note)}`
  const told = steps.map(({ action, path, note }) => line(action.replace('_', ' ').padEnd(9), path, note))
  const differing = differing_documents.map(({ path, note }) => line('reads otherwise', path, note))
  return [
    [look.paint.bold(`adopting, with what was there kept in ${look.safe(kept_in)}`), ...told, ...differing].join('\n'),
  ]
}

function upgradeForPeople(output: UpgradeOutput, look: Look): string {
  const { paint } = look
  const edited = output.entries.filter((one) => one.disposition === 'local_only_modification')
  const parts: [string, readonly string[]][] = [
    ['in conflict', output.conflicting_paths],
    [output.applied ? 'created' : 'would be created', output.would_create],
    [output.applied ? 'updated' : 'would be updated', output.would_update],
    [output.applied ? 'made' : 'would be made', output.would_materialize_runtime_owned],
    [
      output.applied ? 'written in the format in force' : 'would be written in the format in force',
      output.persisted_state_migrations.filter((one) => one.would_write_state_file).map((one) => one.state_path),
    ],
    ['edited here, and kept', edited.map((one) => one.relative_path)],
  ]
  const mark = {
    preview: paint.cyan('·'),
    applied: paint.green('✓'),
    nothing: paint.green('✓'),
    refused: paint.red('✗'),
  }
  const blocks = parts
    .filter(([, paths]) => paths.length > 0)
    .map(([what, paths]) => [paint.bold(what), ...paths.map((path) => `  ${look.safe(path)}`)].join('\n'))
  const first = output.conflicting_paths[0]
  const next =
    first === undefined
      ? []
      : [
          `Keep yours with --keep PATH, or --localize-removed PATH where the package has none;\nor move a file away and take what the package has.`,
        ]
  const adoption = output.adoption === null ? [] : adoptionForPeople(output.adoption, look)
  return [`${mark[output.state]} ${look.safe(output.detail)}`, ...adoption, ...blocks, ...next].join('\n\n')
}

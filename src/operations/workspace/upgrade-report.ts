/** What an upgrade would do, or did, as it is told. */
import { DISPOSITION_NAMES, type Disposition } from '../../core/baseline.ts'
import type { Adoption } from '../../store/adopt/adopt.ts'
import { ASSET_FAMILIES } from '../../store/catalogue.ts'
import { filesBelow } from '../../store/files-below.ts'
import { WORKSPACE_FOLDERS } from '../../store/layout.ts'
import { starterFiles } from '../../store/starter-files.ts'
import { conflictsOf, isNothing, type UpgradePlan, type UpgradePorts } from '../../store/workspace-upgrade.ts'
import type { Migration, UpgradeOutput } from '../schemas/workspace.ts'

/** `adoption`: of a workspace of another runtime, which comes before everything else. */
export function reportOf(
  ports: UpgradePorts,
  plan: UpgradePlan,
  state: UpgradeOutput['state'],
  adoption: Adoption | null,
): UpgradeOutput {
  const of = (...wanted: Disposition[]) =>
    plan.files.filter(({ disposition }) => wanted.includes(disposition)).map(({ path }) => path)
  const applied = state === 'applied'
  const would_create = of('missing')
  const would_update = of('safe_package_update')
  const folders = plan.missing.filter((name) => name.endsWith('/'))
  const written = <T>(list: T[]): T[] => (applied ? list : [])
  const paths = plan.candidate.entries.map((entry) => entry.relative_path)
  return {
    applied,
    state,
    detail: adoption === null ? sentence(plan, state) : `${adoptionSentence(adoption, state)} ${sentence(plan, state)}`,
    adoption:
      adoption === null
        ? null
        : {
            from: `python ${adoption.from}`,
            kept_in: adoption.keptIn,
            steps: adoption.steps,
            differing_documents: adoption.differing,
          },
    workspace_root: ports.places.root,
    bundle_version: ports.version,
    baseline_manifest_id: plan.baseline?.manifest_id ?? null,
    candidate_manifest_id: plan.candidate.manifest_id,
    result_manifest_id: applied ? plan.result.manifest_id : null,
    dispositions: Object.fromEntries(
      DISPOSITION_NAMES.map((name) => [name, of(name).length]),
    ) as UpgradeOutput['dispositions'],
    entries: plan.files.map(({ path, disposition }) => ({ relative_path: path, disposition })),
    manifest_file_count: paths.length,
    manifest_directory_count: new Set(paths.map((path) => path.slice(0, path.lastIndexOf('/')))).size,
    would_create,
    would_update,
    unchanged: of('unchanged', 'already_converged'),
    conflicting_paths: conflictsOf(plan),
    would_materialize_runtime_owned: plan.missing,
    preserved_runtime_owned: runtimeOwned().filter((name) => !plan.missing.includes(name)),
    preserved_operator_owned: operatorOwned(ports, plan),
    persisted_state_migrations: plan.formats.map(
      (step): Migration => ({
        state_family: step.kind,
        action: step.isChanged ? 'rewrite_state' : 'none',
        state_path: step.file,
        deferred_dir: null,
        breadcrumb_file_count: 0,
        would_write_state_file: step.isChanged,
        wrote_state_file: applied && step.isChanged,
        summary: step.isChanged
          ? `${step.file} is written in the format in force`
          : `${step.file} is in the format in force`,
      }),
    ),
    created_files: written(would_create),
    updated_files: written(would_update),
    materialized_runtime_owned: written(plan.missing),
    created_directory_count: written(folders).length,
    created_file_count: written([...would_create, ...plan.missing.filter((name) => !name.endsWith('/'))]).length,
    updated_file_count: written(would_update).length,
  }
}

const runtimeOwned = (): string[] => [
  ...WORKSPACE_FOLDERS.map((folder) => `${folder}/`),
  ...starterFiles('').map((file) => file.path),
]

/** Files of the families that the package knows nothing of; work, state and runs are not looked through. */
function operatorOwned({ files, places }: UpgradePorts, plan: UpgradePlan): string[] {
  const managed = new Set(plan.files.map(({ path }) => path))
  return [...ASSET_FAMILIES, 'docs']
    .flatMap((family) => filesBelow(files, places.at(family)).map((name) => `${family}/${name}`))
    .filter((path) => !managed.has(path))
    .sort()
}

function adoptionSentence({ from }: Adoption, state: UpgradeOutput['state']): string {
  const what = `the workspace of the Python runtime ${from}`
  if (state === 'applied') return `Adopted ${what}; the next runtime goes on with its work.`
  return state === 'refused' ? `Did not adopt ${what}.` : `--apply adopts ${what}.`
}

function sentence(plan: UpgradePlan, state: UpgradeOutput['state']): string {
  const conflicts = conflictsOf(plan).length
  const migrated = plan.formats.filter((step) => step.isChanged).length
  const parts = [
    counted(plan.writes.filter(({ replaces }) => replaces === null).length, 'file', 'to create'),
    counted(plan.writes.filter(({ replaces }) => replaces !== null).length, 'file', 'to update'),
    counted(plan.missing.length, 'part', 'of the workspace to make'),
    counted(migrated, 'state file', 'to rewrite'),
    counted(conflicts, 'conflict', 'to decide'),
  ].filter((part) => part !== null)
  const isUpToDate = isNothing(plan) && conflicts === 0
  if (state !== 'nothing' && isUpToDate) return 'Nothing else is to be done.'
  const all = parts.length === 0 ? 'only the record of what was deployed to renew' : parts.join(', ')
  switch (state) {
    case 'nothing':
      return 'The workspace is up to date; there is nothing to do.'
    case 'preview':
      return conflicts > 0
        ? `There is ${all}; nothing is written before the conflicts are decided.`
        : `There is ${all}; --apply does it.`
    case 'applied':
      return `Done: there was ${all}.`
    case 'refused':
      return `Nothing was written: ${counted(conflicts, 'conflict', 'to decide')}.`
  }
}

const counted = (count: number, noun: string, what: string): string | null =>
  count === 0 ? null : `${count} ${noun}${count === 1 ? '' : 's'} ${what}`

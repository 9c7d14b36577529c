/**
 * Bringing a workspace up to the package it is used with: missing folders and first files, the three-way baseline
 * (core/baseline.ts), formats of state files. Looking is one thing, doing another: what is found is a plan, and the plan
 * is one transaction, so that a crash leaves all of it done or nothing.
 */
import {
  type BaselineManifest,
  type Disposition,
  dispositionOf,
  manifestOf,
  manifestText,
  originalsOf,
} from '../core/baseline.ts'
import { type Change, event } from '../core/changes.ts'
import type { QueueOrder } from '../core/queue-order.ts'
import type { ClosureTarget, Counters } from '../core/state.ts'
import { type PackagedFile, packagedFile, packagedFiles, readManifest } from './baseline.ts'
import { payload } from './file-operation/file-operation.ts'
import { type Files, hashBytes } from './files.ts'
import { AT, type Places } from './layout.ts'
import { look } from './look.ts'
import { missingParts, obstructions, starterFiles } from './starter-files.ts'
import { type FormatStep, formatSteps } from './state-format.ts'

export interface UpgradePorts {
  files: Files
  places: Places
  packageRoot: string
  version: string
}

/** What the operator decided of files that cannot be decided for them; paths below the runtime root. */
export interface Decisions {
  /** Gone from the package, and to stay here. */
  localized: ReadonlySet<string>
  /** In conflict, and to stay as they are here. */
  kept: ReadonlySet<string>
}

export const NO_DECISIONS: Decisions = { localized: new Set(), kept: new Set() }

export interface FileStep {
  path: string
  disposition: Disposition
}

interface FileWrite {
  file: PackagedFile
  /** Hash of the bytes it replaces; null if there is no such file. */
  replaces: string | null
}

export interface UpgradePlan {
  /** As it is; null if nobody noted what was deployed. */
  baseline: BaselineManifest | null
  /** Of the package. */
  candidate: BaselineManifest
  /** As it will be. */
  result: BaselineManifest
  /** Every file that was deployed or would be, by path. */
  files: FileStep[]
  writes: FileWrite[]
  /** Paths at which a file lies where a folder belongs, or the reverse. */
  obstructions: string[]
  /** Folders (with a slash) and first files that belong to every workspace and are not there. */
  missing: string[]
  formats: FormatStep[]
}

/** Paths of which nothing can be decided; the plan is not carried out while there are any. */
export const conflictsOf = (plan: UpgradePlan): string[] =>
  [
    ...new Set([
      ...plan.obstructions,
      ...plan.files.filter((one) => one.disposition === 'conflict').map((one) => one.path),
    ]),
  ].sort()

export const isNothing = (plan: UpgradePlan): boolean =>
  plan.writes.length === 0 &&
  plan.missing.length === 0 &&
  plan.baseline?.manifest_id === plan.result.manifest_id &&
  !plan.formats.some((step) => step.isChanged)

/** Looks, and writes nothing. Throws `state_corrupt` or `state_newer` for what cannot be read. */
export function planUpgrade(ports: UpgradePorts, { localized, kept }: Decisions = NO_DECISIONS): UpgradePlan {
  const { files, places, packageRoot, version } = ports
  const baseline = readManifest(files, places)
  const originals = originalsOf(baseline)
  const candidates = candidatesOf(files, packageRoot, originals)
  const steps: FileStep[] = []
  const writes: FileWrite[] = []
  const result = new Map<string, string>()
  for (const path of [...new Set([...originals.keys(), ...candidates.keys()])].sort()) {
    const file = candidates.get(path) ?? null
    const original = originals.get(path) ?? null
    const current = hashAt(files, places, path)
    const isLink = files.stat(places.at(path))?.kind === 'link'
    const candidate = file?.hash ?? null
    const disposition = decided(dispositionOf({ original, current, candidate }), {
      isLink,
      isLocalized: localized.has(path) && candidate === null,
      isKept: kept.has(path) && candidate !== null && current !== 'other',
    })
    steps.push({ path, disposition })
    if (file === null) {
      // A file that is gone on both sides, or stays as one of this workspace, is no part of the baseline any more.
      if (disposition === 'conflict' && original !== null) result.set(path, original)
      continue
    }
    result.set(path, disposition === 'conflict' ? (original ?? file.hash) : file.hash)
    if (disposition === 'missing' || disposition === 'safe_package_update')
      writes.push({ file, replaces: current === 'other' ? null : current })
  }
  return {
    baseline,
    candidate: manifestOf(version, new Map([...candidates].map(([path, { hash }]) => [path, hash]))),
    result: manifestOf(version, result),
    files: steps,
    writes,
    obstructions: obstructions(files, places, [...candidates.keys()]),
    missing: missingParts(files, places),
    formats: formatSteps(files, places),
  }
}

/** What the package deploys, and the files of it that somebody localised. */
function candidatesOf(
  files: Files,
  packageRoot: string,
  originals: ReadonlyMap<string, string>,
): Map<string, PackagedFile> {
  const deployed = packagedFiles(files, packageRoot)
  const known = new Set(deployed.map((file) => file.relative_path))
  const localised = [...originals.keys()]
    .filter((path) => !known.has(path))
    .flatMap((path) => packagedFile(files, packageRoot, path) ?? [])
  return new Map([...deployed, ...localised].map((file) => [file.relative_path, file]))
}

function hashAt(files: Files, places: Places, path: string): string | null | 'other' {
  const found = look(files, places.at(path))
  return found === null || found === 'other' ? found : found.hash
}

function decided(
  found: Disposition,
  { isLink, isLocalized, isKept }: { isLink: boolean; isLocalized: boolean; isKept: boolean },
): Disposition {
  // What would be written takes the place of the link; whoever made it wants it to stay.
  const isDecided = found !== 'conflict' && !(isLink && found === 'safe_package_update')
  if (isDecided) return found
  if (isLocalized) return 'localized_removed'
  return isKept ? 'local_only_modification' : 'conflict'
}

/** The part of a plan that brings back what is gone, and leaves what is old as it is. */
export function onlyMissing(plan: UpgradePlan): UpgradePlan {
  const writes = plan.writes.filter(({ replaces }) => replaces === null)
  const originals = originalsOf(plan.baseline)
  const known = new Set(
    plan.files.filter(({ disposition }) => disposition === 'already_converged').map(({ path }) => path),
  )
  for (const { relative_path, original_sha256 } of plan.candidate.entries)
    if (known.has(relative_path)) originals.set(relative_path, original_sha256)
  for (const { file } of writes) originals.set(file.relative_path, file.hash)
  const version = plan.baseline?.seed_package_version ?? plan.candidate.seed_package_version
  return { ...plan, writes, result: manifestOf(version, originals), formats: [] }
}

/** The folders of a plan; making one again does no harm. */
export async function makeMissingFolders(files: Files, places: Places, { missing }: UpgradePlan): Promise<void> {
  const folders = missing.filter((name) => name.endsWith('/')).map((name) => places.at(name.slice(0, -1)))
  for (const folder of folders) files.makeFolder(folder)
  await files.flush([places.runtime, ...folders])
}

/** The plan as one transaction; empty where there is nothing to do. `now`: ISO time. Its folders are made before. */
export function upgradeChanges(plan: UpgradePlan, now: string, files: Files, places: Places): Change[] {
  if (isNothing(plan)) return []
  const starters = starterFiles(now).filter(({ path }) => plan.missing.includes(path) && path !== AT.snapshot)
  const manifest = Buffer.from(manifestText(plan.result))
  const before = files.read(places.at(AT.baseline))
  return [
    ...starters.map(
      ({ path, text }): Change => ({ change: 'file.put', path, content: { text }, mode: null, hash: null }),
    ),
    ...plan.writes.map(
      ({ file, replaces }): Change => ({
        change: 'file.put',
        path: file.relative_path,
        content: payload(file.bytes),
        mode: file.mode,
        hash: replaces,
      }),
    ),
    {
      change: 'file.put',
      path: AT.baseline,
      content: payload(manifest),
      mode: null,
      hash: before === null ? null : hashBytes(before),
    },
    ...plan.formats.flatMap(rewritten),
    event('workspace_upgraded', {
      from_version: plan.baseline?.seed_package_version ?? null,
      to_version: plan.result.seed_package_version,
      created: plan.writes.filter(({ replaces }) => replaces === null).length,
      updated: plan.writes.filter(({ replaces }) => replaces !== null).length,
      materialized: plan.missing.length,
      migrated: plan.formats.filter((step) => step.isChanged).map((step) => step.file),
    }),
  ]
}

/** The snapshot is part of every transaction, in the format in force. */
function rewritten({ kind, document, isChanged }: FormatStep): Change[] {
  if (!isChanged) return []
  switch (kind) {
    case 'recovery_counters':
      return [{ change: 'counters.set', counters: document as Counters }]
    case 'queue_order':
      return [{ change: 'order.set', order: document as QueueOrder }]
    case 'closure_target_state':
      return [{ change: 'closure.put', target: document as ClosureTarget }]
    default:
      return []
  }
}

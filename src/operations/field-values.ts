/**
 * Values a field of a command line can take, for completion: ids from the names of files alone, so that a large
 * workspace answers as quickly as a small one. Reads only, and what it cannot read it leaves out.
 */
import * as path from 'node:path'
import type { Files } from '../core/files.ts'
import { isSafeId } from '../core/ids.ts'
import { ITEM_KINDS, type ItemKind, type ItemState } from '../core/item.ts'
import { objectInLine } from '../core/json-line.ts'
import type { InputField, Named } from '../core/operation.ts'
import { listOf, orNull, record, text } from '../core/shape.ts'
import { SKILL_DEPTH_MAX, SKILL_FILE } from '../core/skill.ts'
import { filesBelow } from '../store/files-below.ts'
import { AT, deliveryFolder, itemFolder, type Places, SET_ASIDE } from '../store/layout.ts'
import { pagesOf } from './pages.ts'

export interface Candidate {
  value: string
  /** A few words; empty where the value says it all. */
  description: string
}

/** Where values are looked for. */
export interface Sight {
  files: Files
  places: Places
  packageRoot: string
  runnerNames: readonly string[]
}

/** What a field names by its own name, which is the same for all verbs. */
const BY_NAME: Readonly<Record<string, Named>> = {
  work_item_id: 'work_item',
  depends_on: 'work_item',
  parent_task_id: 'work_item',
  subject: 'subject',
  root_spec_id: 'root_spec',
  filename: 'unreadable_incident',
  approval_id: 'approval',
  run_id: 'run',
  run: 'run',
  ref: 'run',
  plan_id: 'plan',
  compiled_plan_id: 'plan',
  before: 'plan',
  after: 'plan',
  mode_id: 'mode',
  mode: 'mode',
  loop_id: 'loop',
  asset_id: 'asset',
  model_profile_id: 'model_profile',
  stage_kind_id: 'stage',
  stage: 'stage',
  skill_id: 'skill',
  plane: 'plane',
  runner: 'runner',
  key: 'config_key',
  topic: 'topic',
  type: 'event_type',
  rule: 'notify_rule',
  source: 'file',
  output: 'file',
  monitor_log: 'file',
  folder: 'folder',
  dest: 'folder',
  dir: 'folder',
  workspace: 'folder',
  config: 'file',
  path: 'file',
}

/** What the values of a field name; null for words of one's own. */
export const namedBy = (field: InputField): Named | null =>
  field.type === 'text' || field.type === 'list'
    ? (field.names ?? (Object.hasOwn(BY_NAME, field.name) ? BY_NAME[field.name]! : null))
    : null

/** States in which an id is worth offering where the field does not narrow them. */
const OFFERED: readonly ItemState[] = ['active', 'queued', 'blocked', 'quarantined', 'done']

/** Files and folders are for the shell to complete, and schemas are named as verbs are; none of these gives any here. */
export async function valuesOf(field: InputField, sight: Sight): Promise<Candidate[]> {
  switch (namedBy(field)) {
    case 'work_item':
      return itemIds(sight, field.states ?? OFFERED, field.kinds ?? ITEM_KINDS)
    case 'run':
      return runs(sight, field.states?.includes('active') === true)
    case 'subject':
      return [
        ...folders(sight, 'graphs').map((value) => ({ value, description: 'plane' })),
        ...itemIds(sight, OFFERED, ITEM_KINDS),
        ...runs(sight, false).map(({ value }) => ({ value, description: 'run' })),
      ]
    case 'root_spec':
      return withoutEnding(names(sight, sight.places.at(AT.targets)), '.json').map(bare)
    case 'unreadable_incident':
      return names(sight, sight.places.at(itemFolder('incident', 'queued')))
        .filter((name) => SET_ASIDE.test(name))
        .map(bare)
    case 'approval':
      return withoutEnding(names(sight, sight.places.at(AT.pendingApprovals)), '.json').map(bare)
    case 'plan':
      return names(sight, sight.places.at(AT.plans)).map(bare)
    case 'mode':
      return assets(sight, 'modes').filter(({ value }) => value !== 'aliases')
    case 'loop':
      return assets(sight, 'graphs').map(({ value }) => bare(value.replaceAll('/', '.')))
    case 'stage':
      return assets(sight, 'registry/stage_kinds').map(({ value }) => bare(path.posix.basename(value)))
    case 'asset':
      return [
        ...(await valuesOf({ ...field, names: 'mode' }, sight)),
        ...(await valuesOf({ ...field, names: 'loop' }, sight)),
        ...(await valuesOf({ ...field, names: 'stage' }, sight)),
        ...filesBelow(sight.files, path.join(sight.packageRoot, 'entrypoints')).map((file) =>
          bare(file.replace(/\.md$/, '')),
        ),
        ...filesBelow(sight.files, path.join(sight.packageRoot, 'skills')).flatMap((file) =>
          path.posix.basename(file) === 'SKILL.md' ? [bare(path.posix.basename(path.posix.dirname(file)))] : [],
        ),
      ]
    case 'model_profile':
      return assets(sight, 'registry/model_profiles')
    case 'skill':
      return skillIds(sight)
    case 'plane':
      return folders(sight, 'graphs').map(bare)
    case 'runner':
      return sight.runnerNames.map(bare)
    case 'topic':
      return topics(sight)
    case 'event_type': {
      const { EVENT_TYPES } = await import('../core/events.ts')
      return Object.entries(EVENT_TYPES).map(([value, description]) => ({ value, description }))
    }
    case 'notify_rule':
      return notifyRules(sight)
    case 'failed_delivery':
      return withoutEnding(names(sight, sight.places.at(deliveryFolder('failed'))), '.json').map(bare)
    case 'config_key': {
      const { configKeys } = await import('../core/config.ts')
      return configKeys()
        .filter(({ key }) => !key.includes('*'))
        .map(({ key, description }) => ({ value: key, description }))
    }
    default:
      return []
  }
}

const bare = (value: string): Candidate => ({ value, description: '' })

const names = ({ files }: Sight, folder: string): string[] => (files.list(folder) ?? []).filter(isSafeId).sort()

const withoutEnding = (found: readonly string[], ending: string): string[] =>
  found.filter((name) => name.endsWith(ending)).map((name) => name.slice(0, -ending.length))

function itemIds(sight: Sight, states: readonly ItemState[], kinds: readonly ItemKind[]): Candidate[] {
  return states.flatMap((state) =>
    kinds.flatMap((kind) =>
      withoutEnding(names(sight, sight.places.at(itemFolder(kind, state))), '.md').map((value) => ({
        value,
        description: `${kind}, ${state}`,
      })),
    ),
  )
}

/** Of all runs the ids are the names of their folders; which are active, the snapshot alone can tell. */
function runs(sight: Sight, onlyActive: boolean): Candidate[] {
  if (!onlyActive) return names(sight, sight.places.at(AT.runs)).map(bare)
  return activeRuns(sight).flatMap(({ run_id, work_item_id }) =>
    isSafeId(run_id) ? [{ value: run_id, description: work_item_id ?? '' }] : [],
  )
}

function activeRuns({ files, places }: Sight) {
  const bytes = files.read(places.at(AT.snapshot)) ?? new Uint8Array()
  const snapshot = objectInLine(Buffer.from(bytes).toString('utf8'))
  return isSnapshot(snapshot) ? snapshot.active_runs : []
}

const isSnapshot = record({ active_runs: listOf(record({ run_id: text, work_item_id: orNull(text) })) })

/** JSON files of an asset family in the package and in the workspace, by path below it without the ending. */
function assets(sight: Sight, family: string): Candidate[] {
  const below = (root: string, folder: string): string[] =>
    names(sight, path.join(root, family, folder)).flatMap((name) => {
      const relative = path.posix.join(folder, name)
      return name.endsWith('.json') ? [relative.slice(0, -'.json'.length)] : below(root, relative)
    })
  return [...new Set([...below(sight.packageRoot, ''), ...below(sight.places.runtime, '')])].sort().map(bare)
}

/** Names of the folders below skills/ that hold a skill. */
function skillIds(sight: Sight): Candidate[] {
  const below = (folder: string, depth: number): string[] =>
    depth > SKILL_DEPTH_MAX
      ? []
      : names(sight, folder).flatMap((name) => {
          if (name === SKILL_FILE) return [path.basename(folder)]
          return name.includes('.') ? [] : below(path.join(folder, name), depth + 1)
        })
  const found = [sight.packageRoot, sight.places.runtime].flatMap((root) => below(path.join(root, AT.skills), 1))
  return [...new Set(found)].sort().map(bare)
}

function folders(sight: Sight, family: string): string[] {
  const found = [sight.packageRoot, sight.places.runtime].flatMap((root) => names(sight, path.join(root, family)))
  return [...new Set(found.filter((name) => !name.includes('.')))].sort()
}

/** Rules of a config that can be read. */
async function notifyRules({ files, places }: Sight): Promise<Candidate[]> {
  const { readConfig } = await import('../store/config-file.ts')
  try {
    const { rules } = readConfig(files, places).config.notify
    return Object.entries(rules).map(([value, { on }]) => ({ value, description: on.join(', ') }))
  } catch {
    return []
  }
}

const topics = (sight: Sight): Candidate[] =>
  pagesOf(sight.files, path.join(sight.packageRoot, '..')).map(({ topic }) => bare(topic))

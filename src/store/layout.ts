/** Where everything lies. Names of folders and files of the workspace contract (spec 01 §1) stand here and nowhere else. */

import * as path from 'node:path'
import type { DeliveryState } from '../core/delivery.ts'
import type { Files } from '../core/files.ts'
import { type ItemKind, type ItemState, OPEN_STATES } from '../core/item.ts'

export const RUNTIME_ROOT = 'millrace-agents'

/** Folders of a workspace that are ours: they are no work of its users and never count in trees, diffs or limits. */
export const OWN_FOLDERS: readonly string[] = [RUNTIME_ROOT, '.millracer', '.millstone', 'ideas/inbox']

const FOLDERS: Record<ItemKind, { root: string; queued: string; done: string }> = {
  task: { root: 'tasks', queued: 'queue', done: 'done' },
  spec: { root: 'specs', queued: 'queue', done: 'done' },
  incident: { root: 'incidents', queued: 'incoming', done: 'resolved' },
  probe: { root: 'probes', queued: 'queue', done: 'done' },
  learning_request: { root: 'learning/requests', queued: 'queue', done: 'done' },
}

/** Folder of items of a kind in a state, relative to the runtime root. */
export function itemFolder(kind: ItemKind, state: ItemState): string {
  const { root, queued, done } = FOLDERS[kind]
  switch (state) {
    case 'queued':
      return `${root}/${queued}`
    case 'done':
      return `${root}/${done}`
    case 'cancelled':
      return `${root}/${queued}/cancelled`
    case 'quarantined':
      return `${root}/quarantine`
    case 'active':
    case 'blocked':
      return `${root}/${state}`
  }
}

/** How an item leaves its queue for good: dropped, replaced by another, or seen to by an operator. */
export type Archive = 'cancelled' | 'superseded' | 'operator'

/** Where archived items are kept: beside where they lay, and what an operator resolved beside what was (spec 01 §4.18.4). */
export const archiveFolder = (kind: ItemKind, from: ItemState, archive: Archive): string =>
  `${itemFolder(kind, archive === 'operator' ? 'done' : from)}/${archive}`

/** `<id>.<stamp>.<8 hex>.<folder it lay in>.md`, relative to the runtime root. */
export function archiveFile(
  { kind, id, state }: { kind: ItemKind; id: string; state: ItemState },
  archive: Archive,
  now: string,
  hex: (digits: number) => string,
): string {
  const from = itemFolder(kind, state).split('/').pop()
  return `${archiveFolder(kind, state, archive)}/${id}.${stampOf(now)}.${hex(8)}.${from}.md`
}

/** Every folder with archived items of a kind, and the state they are in. Only tasks are superseded, incidents resolved. */
export function archiveFolders(kind: ItemKind): { folder: string; state: 'cancelled' | 'done' }[] {
  const cancelled = OPEN_STATES.filter((state) => state !== 'active' || kind === 'incident').map((from) => ({
    folder: archiveFolder(kind, from, 'cancelled'),
    state: 'cancelled' as const,
  }))
  const superseded = (['queued', 'blocked'] as const).map((from) => ({
    folder: archiveFolder(kind, from, 'superseded'),
    state: 'cancelled' as const,
  }))
  const resolved = { folder: archiveFolder(kind, 'done', 'operator'), state: 'done' as const }
  return [...cancelled, ...(kind === 'task' ? superseded : []), ...(kind === 'incident' ? [resolved] : [])]
}

/** A time as it stands in names of files. */
export const stampOf = (now: string): string => now.replace(/[-:]|\.\d+/g, '')

/** File of an item, relative to the runtime root. */
export function itemFile(kind: ItemKind, id: string, state: ItemState): string {
  return `${itemFolder(kind, state)}/${id}.md`
}

/** Folders every workspace has, relative to the runtime root. */
export const WORKSPACE_FOLDERS: readonly string[] = [
  'state/mailbox/incoming',
  'state/mailbox/processed',
  'state/mailbox/failed',
  'state/lock',
  'state/plans',
  'runs',
  'logs',
  ...(['task', 'spec', 'incident', 'probe', 'learning_request'] as const).flatMap((kind) =>
    (['queued', 'active', 'done', 'blocked'] as const).map((state) => itemFolder(kind, state)),
  ),
  'arbiter/contracts/ideas',
  'arbiter/contracts/root-specs',
  'arbiter/targets',
  'arbiter/rubrics',
  'arbiter/verdicts',
  'arbiter/reports',
  'intake/ideas',
  'approvals/pending',
  'approvals/resolved',
  'entrypoints',
  'skills',
  'modes',
  'graphs',
  'registry/stage_kinds',
  'registry/model_profiles',
]

/** Files and folders relative to the runtime root. */
export const AT = {
  config: 'millrace.toml',
  gitignore: '.gitignore',
  snapshot: 'state/runtime_snapshot.json',
  counters: 'state/recovery_counters.json',
  plan: 'state/compiled_plan.json',
  diagnostics: 'state/compile_diagnostics.json',
  baseline: 'state/baseline_manifest.json',
  /** Where a version before generations had names of their own left its pending record. */
  journal: 'state/journal.json',
  lockFolder: 'state/lock',
  lockFile: 'state/runtime_daemon.lock.json',
  incoming: 'state/mailbox/incoming',
  processed: 'state/mailbox/processed',
  failed: 'state/mailbox/failed',
  interventions: 'state/interventions.jsonl',
  order: 'state/queue_order.json',
  events: 'logs/runtime_events.jsonl',
  usageLedger: 'state/usage_governance_ledger.jsonl',
  logs: 'logs',
  /** What a detached daemon prints. */
  daemonLog: 'logs/daemon.log',
  runs: 'runs',
  plans: 'state/plans',
  /** Copies that make reading quick; a workspace without them is no other workspace. */
  derived: 'state/derived',
  /** Outside effects: those that wait, and what became of the others. */
  deliveries: 'state/deliveries',
  /** What was taken away for good and is still to be deleted. */
  trash: 'state/trash',
  targets: 'arbiter/targets',
  pendingApprovals: 'approvals/pending',
  /** Stop files: what they mean is in stop-files.ts. */
  stopAutonomy: 'STOP_AUTONOMY',
  autonomyComplete: 'AUTONOMY_COMPLETE',
  skills: 'skills',
  skillsIndex: 'skills/skills_index.md',
  /** What was done to skills by commands. */
  skillOperations: 'skills/skill_operations.jsonl',
} as const

/** Names of documents in a queue folder that intake set aside because nobody could read them. */
export const SET_ASIDE = /\.md\.invalid(\.\d+)?$/

/** Names in `state` of folders that a command makes for the time it takes. */
export const SCRATCH = /^rescue-[0-9a-f]{16}$/

/** The derived copy of the stamps of the files that the plan in force was compiled from. */
export const PLAN_SOURCES = `${AT.derived}/plan_sources.txt`
/** The derived copy of what the documents of a queue folder say (`folder` relative to the runtime root). */
export const itemCopyFile = (folder: string): string => `${AT.derived}/items/${folder.replaceAll('/', '.')}.json`
/** The pending record of a holder of the lock. */
export const journalFile = (generation: number): string => `state/journal.${generation}.json`
export const statusFile = (plane: string): string => `state/${plane}_status.md`
export const targetFile = (rootSpecId: string): string => `${AT.targets}/${rootSpecId}.json`
export const planFolder = (planId: string): string => `${AT.plans}/${planId}`
export const deliveryFolder = (state: DeliveryState): string => `${AT.deliveries}/${state}`
export const deliveryFile = (state: DeliveryState, id: string): string => `${deliveryFolder(state)}/${id}.json`
export const runFolder = (runId: string): string => `${AT.runs}/${runId}`

/** Absolute paths of one workspace. */
export interface Places {
  /** The directory the runtime serves. */
  root: string
  /** `<root>/millrace-agents`. */
  runtime: string
  /** Path below the runtime root. */
  at(relative: string): string
}

export function placesOf(workspaceRoot: string): Places {
  const runtime = path.join(workspaceRoot, RUNTIME_ROOT)
  return { root: workspaceRoot, runtime, at: (relative) => path.join(runtime, relative) }
}

/** Audit log of an item's ways back into its queue (spec 01 §4.16.1). */
export const requeueLog = (kind: ItemKind, id: string): string => `${itemFolder(kind, 'queued')}/${id}.requeue.jsonl`

/** Record of why an item is blocked (spec 01 §4.18.2). */
export const blockFile = (kind: ItemKind, id: string): string => `diagnostics/blocked/${kind}-${id}.json`

/** Whether a runtime root lies there. */
export const isInitialised = (files: Files, places: Places): boolean =>
  files.stat(places.at(AT.snapshot)) !== null && files.stat(places.at(AT.incoming)) !== null

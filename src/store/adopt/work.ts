/**
 * What taking a workspace over amounts to, worked out from what lies there and changing nothing: the files that are kept,
 * the changes of the one transaction, and the account of it for people.
 */
import type { Change } from '../../core/changes.ts'
import { isoTime } from '../../core/clock.ts'
import { canonicalJson, sha256 } from '../../core/ids.ts'
import { ITEM_KINDS, type ItemKind } from '../../core/item.ts'
import type { LedgerLine } from '../../core/ledger.ts'
import type { Snapshot } from '../../core/state.ts'
import type { FileOperation } from '../file-operation/file-operation.ts'
import { type Files, hashBytes } from '../files.ts'
import { ItemIndex } from '../items.ts'
import { AT, itemFile, type Places, requeueLog, stampOf, statusFile } from '../layout.ts'
import { GITIGNORE } from '../starter-files.ts'
import { planAssets } from './assets.ts'
import { claimsIn, unclaimed } from './claims.ts'
import { translateTarget } from './closure-target.ts'
import { translateCounters } from './counters.ts'
import { type Differing, differingDocuments } from './documents.ts'
import type { Kept } from './keeping.ts'
import { type PythonWorkspace, readPythonWorkspace } from './python-workspace.ts'
import { keptResults, standingOf } from './results.ts'
import {
  activePassages,
  isGivenBack,
  markersOf,
  type PythonActive,
  type Standing,
  translateSnapshot,
} from './snapshot.ts'
import { type AdoptionStep, stepsOf } from './steps.ts'
import { type KeptResult, translateLedger } from './usage.ts'

export interface Work {
  from: PythonWorkspace['version']
  /** Where everything that is replaced or goes is kept, relative to the runtime root. */
  keptIn: string
  steps: AdoptionStep[]
  differing: Differing[]
  /** To be there, and durable, before the transaction. */
  kept: Kept[]
  /** Of the transaction: what goes, once it is kept. */
  removed: { path: string; hash: string }[]
  /** Commands that wait again. */
  unclaimed: FileOperation[]
  changes: Change[]
  /** Hashes of what is replaced, as it was when the changes were worked out. */
  known: Map<string, string>
}

export interface Installed {
  /** Root of the packaged assets, and their version. */
  root: string
  version: string
}

/** Null where there is nothing to take over. Throws what `readPythonWorkspace` does. `now`: when it is worked out. */
export function workOf(files: Files, places: Places, installed: Installed, now: Date): Work | null {
  const python = readPythonWorkspace(files, places)
  if (python === null) return null
  const { snapshot: old, version } = python
  const results = keptResults(files, places)
  const openRoot = python.targets.find((target) => target.closure_open)?.root_spec_id ?? null
  const passages = activePassages(old, openRoot)
  const markers = markersOf(old, [])
  const standing = new Map(
    passages.map((passage): [string, Standing] => {
      const told = { lastResultPath: old.last_stage_result_path, marker: markers[passage.plane] }
      return [passage.run_id, standingOf(files, places, passage, told)]
    }),
  )
  const lastResult = results.find(({ path }) => path === old.last_stage_result_path) ?? null
  const snapshot = translateSnapshot(old, {
    from: `python ${version}`,
    passages,
    standing,
    errorContext: python.errorContext,
    lastResult: lastResult && lastResultOf(lastResult),
  })
  const assets = planAssets(files, places, python.replaced.get(AT.baseline) ?? null, installed)
  const claims = claimsIn(files, places)
  const claimsAside = claims.filter(({ backTo }) => backTo === null)
  const removed = [
    ...claimsAside.map(({ path, hash }) => ({ path, hash })),
    ...[...python.gone].map(([path, bytes]) => ({ path, hash: hashBytes(bytes) })),
    ...assets.fates.flatMap(({ path, hash, isAside }) => (isAside ? [{ path, hash }] : [])),
  ]
  const copied = [
    ...python.replaced,
    ...python.gone,
    ...asideBytes(files, places, assets.fates),
    ...claimsAside.map(({ path, bytes }): [string, Uint8Array] => [path, bytes]),
  ]
  const keptIn = `state/pre-upgrade-${idOf(copied)}`
  const index = new ItemIndex(files, places, () => now.getTime(), { showing: true })
  index.refresh()
  const rootOf = (kind: string, id: string) =>
    ITEM_KINDS.includes(kind as ItemKind) ? (index.find(kind as ItemKind, id)[0]?.effectiveRoot ?? null) : null
  const ledger = ledgerPart(translateLedger(python.ledger, results, rootOf))
  const givenBack = passages.filter(isGivenBack)
  const known = new Map([...python.replaced].map(([path, bytes]) => [path, hashBytes(bytes)]))
  const changes: Change[] = [
    ...givenBack.flatMap((passage) => giveBack(files, places, passage, now)),
    ...Object.entries(snapshot.status_markers_by_plane).flatMap(([plane, marker]): Change[] =>
      markers[plane] === marker && known.has(statusFile(plane)) ? [] : [{ change: 'status.set', plane, marker }],
    ),
    { change: 'counters.set', counters: translateCounters(python.counters) },
    ...python.targets.map(
      (target): Change => ({
        change: 'closure.put',
        target: translateTarget(target, roundsOf(results, target.root_spec_id)),
      }),
    ),
    { change: 'document.put', path: AT.baseline, text: assets.manifest },
    { change: 'document.put', path: AT.gitignore, text: GITIGNORE, once: true },
    { change: 'event.append', event_type: 'workspace_adopted', data: { from: `python ${version}`, kept_in: keptIn } },
    { change: 'state.set', snapshot },
  ]
  return {
    from: version,
    keptIn,
    steps: stepsOf(files, places, { python, passages, standing, fates: assets.fates, keptIn, ledger, results, claims }),
    differing: differingDocuments(files, places, version === '0.16'),
    kept: [
      ...copied.map(([path, bytes]) => ({ path: `${keptIn}/${path}`, bytes })),
      ...(ledger === null ? [] : [ledger]),
    ],
    removed,
    unclaimed: claims.flatMap(unclaimed),
    changes,
    known,
  }
}

/** The same for the same bytes, however often it is worked out. */
const idOf = (copied: readonly (readonly [string, Uint8Array])[]): string =>
  sha256(canonicalJson(copied.map(([path, bytes]) => [path, hashBytes(bytes)]))).slice(0, 12)

function asideBytes(
  files: Files,
  places: Places,
  fates: readonly { path: string; isAside: boolean }[],
): [string, Uint8Array][] {
  return fates.flatMap(({ path, isAside }): [string, Uint8Array][] => {
    const bytes = isAside ? files.read(places.at(path)) : null
    return bytes === null ? [] : [[path, bytes]]
  })
}

function lastResultOf({ path, result }: KeptResult): Snapshot['last_results_by_plane'][string] & { plane: string } {
  const { plane, terminal_result, result_class, run_id, metadata } = result
  const failure_class = typeof metadata.failure_class === 'string' ? metadata.failure_class : null
  return { plane, terminal_result, result_class, run_id, stage_result_path: path, failure_class }
}

const roundsOf = (results: readonly KeptResult[], root: string): number =>
  results.filter(({ result }) => result.metadata.closure_target_root_spec_id === root).length

/** Its document goes back to the queue it came from, with a line in the audit log beside it. */
function giveBack(files: Files, places: Places, passage: PythonActive, now: Date): Change[] {
  const { work_item_id: id } = passage
  const kind = passage.work_item_kind as ItemKind
  if (id === null || !ITEM_KINDS.includes(kind)) return []
  const bytes = files.read(places.at(itemFile(kind, id, 'active')))
  if (bytes === null || files.stat(places.at(itemFile(kind, id, 'queued'))) !== null) return []
  const record = { at: isoTime(now), kind, reason: GIVEN_BACK, source_state: 'active', destination_state: 'queue' }
  return [
    { change: 'item.move', kind, id, from: 'active', to: 'queued', hash: hashBytes(bytes) },
    { change: 'line.append', path: requeueLog(kind, id), record },
  ]
}

const GIVEN_BACK = 'the workspace was taken over by a runtime that has no such plane'

/** A part of the ledger that is put aside already: it holds what was used before. */
function ledgerPart(lines: readonly LedgerLine[]): Kept | null {
  const last = lines.at(-1)
  if (last === undefined) return null
  const stamp = stampOf(new Date(last.stage_completed_at).toISOString())
  const text = lines.map((line) => `${canonicalJson(line)}\n`).join('')
  return { path: AT.usageLedger.replace(/jsonl$/, `${stamp}.0.jsonl`), bytes: Buffer.from(text) }
}

/** The account of taking a workspace over, for people, before and after it is done. */

import type { AdoptionAction } from '../../core/adoption.ts'
import type { ItemKind } from '../../core/item.ts'
import type { Files } from '../files.ts'
import { AT, itemFile, type Places } from '../layout.ts'
import { incoming } from '../mailbox.ts'
import type { AssetFate } from './assets.ts'
import type { Claim } from './claims.ts'
import type { Kept } from './keeping.ts'
import type { PythonWorkspace } from './python-workspace.ts'
import { isGivenBack, type PythonActive, type Standing } from './snapshot.ts'
import type { KeptResult } from './usage.ts'

export interface AdoptionStep {
  action: AdoptionAction
  /** Relative to the runtime root; of a folder with a trailing slash. */
  path: string
  note: string
}

export interface Told {
  python: PythonWorkspace
  passages: readonly PythonActive[]
  standing: ReadonlyMap<string, Standing>
  fates: readonly AssetFate[]
  claims: readonly Claim[]
  keptIn: string
  ledger: Kept | null
  results: readonly KeptResult[]
}

export function stepsOf(files: Files, places: Places, told: Told): AdoptionStep[] {
  const { python, passages, standing, fates, claims, keptIn, ledger, results } = told
  const step = (action: AdoptionAction, path: string, note: string): AdoptionStep => ({ action, path, note })
  const runs = new Set(results.map(({ result }) => result.run_id)).size
  return [
    step('keep', `${keptIn}/`, 'everything that is replaced or set aside, as it is now'),
    step('translate', AT.snapshot, `of the Python runtime ${python.version}`),
    step('translate', AT.counters, `${count(python.counters.entries.length, 'entry', 'entries')}`),
    ...python.targets.map((target) =>
      step('translate', `${AT.targets}/${target.root_spec_id}.json`, target.closure_open ? 'open' : 'closed'),
    ),
    ...(ledger === null ? [] : [step('translate', ledger.path, 'the usage of every stage whose result is kept')]),
    ...passages.map((passage) => passageStep(passage, standing.get(passage.run_id))),
    ...incoming(files, places).map((one) =>
      step('carry_out', `${AT.incoming}/${one.file}`, one.envelope?.command ?? 'cannot be read; it will be refused'),
    ),
    ...claims.map(({ path, backTo, note }) => step(backTo === null ? 'set_aside' : 'carry_out', path, note)),
    ...assetSteps(fates),
    step('leave', `${AT.runs}/`, `${count(runs, 'run')} with results`),
    step('leave', AT.config, 'your configuration'),
  ]
}

function passageStep(passage: PythonActive, standing: Standing | undefined): AdoptionStep {
  const { work_item_kind: kind, work_item_id: id, node_id, closure_target_root_spec_id: root } = passage
  const path = kind === null || id === null ? `${AT.targets}/${root}.json` : itemFile(kind as ItemKind, id, 'active')
  if (isGivenBack(passage))
    return { action: 'give_back', path, note: 'back to its queue: no shipped mode takes it yet' }
  const atWork = standing?.atWork ?? null
  if (atWork === null) return { action: 'go_on', path, note: `at ${node_id}` }
  if (atWork.hasResult) return { action: 'settle', path, note: `the result of ${node_id} was never routed` }
  return { action: 'run_again', path, note: `${node_id} was interrupted` }
}

/** Files of a folder that share a fate are told of together. */
function assetSteps(fates: readonly AssetFate[]): AdoptionStep[] {
  const groups = new Map<string, AssetFate[]>()
  for (const fate of fates) {
    const key = JSON.stringify([fate.path.split('/')[0], fate.isAside, fate.note])
    groups.set(key, [...(groups.get(key) ?? []), fate])
  }
  return [...groups.values()].flatMap((group) => {
    const [{ path, isAside, note }] = group as [AssetFate]
    const action = isAside ? 'set_aside' : 'leave'
    const isRoutine = group.length > FILES_TOLD_MAX
    if (isRoutine) return [{ action, path: `${path.split('/')[0]}/`, note: `${count(group.length, 'file')}: ${note}` }]
    return group.map((fate) => ({ action, path: fate.path, note }))
  })
}

const FILES_TOLD_MAX = 6

const count = (number: number, one: string, many = `${one}s`): string => `${number} ${number === 1 ? one : many}`

/** Checks of the queues: documents that cannot be read, ids in two places, items nobody works on, dependencies that never end. */
import { RECOVERED_KIND, returning } from '../../core/auto-recovery.ts'
import { ITEM_KINDS, type ItemEntry, type ItemKind } from '../../core/item.ts'
import { dependencyState } from '../../core/select.ts'
import { runOf } from '../../core/state.ts'
import type { View } from '../../core/view.ts'
import { blockRecord } from '../../store/blocks.ts'
import { itemFile, itemFolder, SET_ASIDE } from '../../store/layout.ts'
import { configOrDefaults } from '../reading.ts'
import type { Finding } from '../schemas/doctor.ts'
import { type Examination, error, named, warning } from './examination.ts'

/** Findings of one kind, at most; more would hide the others. */
const FINDINGS_MAX = 100

export function checkQueues(exam: Examination, view: View): Finding[] {
  // Everything that asks for work is read, so that what cannot be read is known.
  const open = ITEM_KINDS.flatMap((kind) =>
    (['queued', 'active', 'blocked', 'quarantined'] as const).flatMap((state) => view.items.inState(kind, state)),
  )
  return [
    ...invalidDocuments(exam, view.items).slice(0, FINDINGS_MAX),
    ...setAside(exam).slice(0, FINDINGS_MAX),
    ...duplicates(exam, view, open).slice(0, FINDINGS_MAX),
    ...strays(exam, view).slice(0, FINDINGS_MAX),
    ...stuck(exam, view, open).slice(0, FINDINGS_MAX),
  ]
}

function invalidDocuments(exam: Examination, items: View['items']): Finding[] {
  return items.invalid().map(({ kind, state, file, faults }) =>
    error('queue_artifact_invalid', {
      path: named(exam, `${itemFolder(kind, state)}/${file}`),
      message: `This is no ${kind} document: ${faults.slice(0, 5).join('; ')}.`,
      remedy: `mend it; what a ${kind} has to say: millrace schema document.${kind}`,
    }),
  )
}

function setAside(exam: Examination): Finding[] {
  return ITEM_KINDS.flatMap((kind) => {
    const folder = itemFolder(kind, 'queued')
    const names = (exam.files.list(exam.places.at(folder)) ?? []).filter((name) => SET_ASIDE.test(name))
    return names.map((name) =>
      warning('queue_artifact_set_aside', {
        path: named(exam, `${folder}/${name}`),
        message: `A ${kind} document could not be read and was set aside; ${name}.findings.json says why.`,
        remedy: `mend it and rename it to ${name.replace(SET_ASIDE, '.md')}, or remove it`,
      }),
    )
  })
}

function duplicates(exam: Examination, view: View, open: readonly ItemEntry[]): Finding[] {
  const seen = new Set<string>()
  return open.flatMap(({ kind, id }) => {
    const places = view.items.find(kind, id).filter((place) => place.state !== 'cancelled')
    if (places.length < 2 || seen.has(`${kind}:${id}`)) return []
    seen.add(`${kind}:${id}`)
    return [
      error(`duplicate_${kind}_lifecycle_state`, {
        path: named(exam, itemFile(kind, id, places[0]!.state)),
        message: `${kind} ${id} lies in several states: ${places.map((place) => place.state).join(', ')}; it is not claimed.`,
        remedy: 'keep the one that is right and move the others away',
      }),
    ]
  })
}

/** Active items without a run, and runs without their item: the next tick settles both. */
function strays(exam: Examination, view: View): Finding[] {
  const runs = view.snapshot.active_runs
  const orphans = ITEM_KINDS.flatMap((kind) =>
    view.items.inState(kind, 'active').filter((item) => runOf(view.snapshot, item) === null),
  )
  const lost = runs.filter(
    (run) =>
      run.work_item_id !== null &&
      exam.files.stat(exam.places.at(itemFile(run.work_item_kind as ItemKind, run.work_item_id, 'active'))) === null,
  )
  return [
    ...orphans.map((item) =>
      warning('snapshot_reconciliation_signal', {
        path: named(exam, itemFile(item.kind, item.id, 'active')),
        message: `${item.kind} ${item.id} is in the active folder, but no run owns it.`,
        remedy: 'nothing to do: the next runtime puts it back into its queue',
      }),
    ),
    ...lost.map((run) =>
      warning('snapshot_reconciliation_signal', {
        path: `millrace-agents/runs/${run.run_id}`,
        message: `Run ${run.run_id} works on ${run.work_item_kind} ${run.work_item_id}, which is not in its active folder any more.`,
        remedy: 'nothing to do: the next runtime ends the run and leaves the item where it is',
      }),
    ),
  ]
}

const WHY: Readonly<Record<string, string>> = {
  blocked: 'is blocked',
  cancelled: 'was cancelled',
  unknown: 'does not exist',
  cycle: 'leads back to it',
}

function stuck(exam: Examination, view: View, open: readonly ItemEntry[]): Finding[] {
  const back = returning(view, configOrDefaults(exam.context).auto_recovery, (one) => blockRecord(view, one))
  return open.flatMap((item) => {
    if (item.state !== 'queued') return []
    const told = item.dependsOn.flatMap((id) => {
      if (item.kind === RECOVERED_KIND && back.has(id)) return []
      const why = WHY[dependencyState(item, id, view)]
      return why === undefined ? [] : [`${id} ${why}`]
    })
    if (told.length === 0) return []
    return [
      warning('dependency_unsatisfiable', {
        path: named(exam, itemFile(item.kind, item.id, 'queued')),
        message: `${item.kind} ${item.id} waits in vain: ${told.join(', ')}.`,
        remedy: 'retry or add what it waits for, or take it out of Depends-On',
      }),
    ]
  })
}

/** How the repair of a lineage reads: each field that goes and comes, and what is left alone (spec 03 §7.4). */
import type { Issued } from '../../operations/issue.ts'
import type { Look } from '../look.ts'
import { block, sentence } from './control.ts'

interface Repair {
  root_spec_id?: string
  repair_count?: number
  change_count?: number
  skipped_count?: number
  artifact_path?: string
  lineage_changes?: {
    work_item_kind: string
    work_item_id: string
    field_name: string
    old_value: string | null
    new_value: string
  }[]
  lineage_skipped?: { work_item_kind: string; work_item_id: string; state: string }[]
}

export function repair(output: Issued, look: Look): string {
  const found = output.result as Repair
  const changes = (found.lineage_changes ?? []).map(
    (one) =>
      `${one.work_item_kind} ${one.work_item_id} ${one.field_name} ${one.old_value ?? 'none'} -> ${one.new_value}`,
  )
  const skipped = (found.lineage_skipped ?? []).map(
    (one) => `${one.work_item_kind} ${one.work_item_id} state=${one.state}`,
  )
  if (look.terminal) return story(output, changes, skipped, look)
  return [
    look.field('root_spec_id', found.root_spec_id),
    look.field('apply', output.state_id === undefined),
    look.field('repair_count', found.repair_count),
    look.field('change_count', found.change_count),
    look.field('repaired_count', output.applied ? (found.repair_count ?? 0) - (found.skipped_count ?? 0) : 0),
    look.field('skipped_count', found.skipped_count),
    look.field('repair_report', found.artifact_path),
    ...changes.map((one) => look.field('change', one)),
    ...skipped.map((one) => look.field('skipped', one)),
    block({ ...output, would: [] }, look),
  ].join('\n')
}

function story(output: Issued, changes: readonly string[], skipped: readonly string[], look: Look): string {
  const steps = [...changes, ...skipped.map((one) => `left to you: ${one}`)]
  if (output.state === 'preview') return sentence(output, look, steps, '--apply --if-state')
  return [sentence(output, look), ...steps.map((one) => `  ${look.safe(one)}`)].join('\n')
}

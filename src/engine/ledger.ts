/** What a stage run leaves in the usage ledger, as part of the transaction that settles it. */
import type { Change } from '../core/changes.ts'
import type { ItemKind } from '../core/item.ts'
import { ledgerLine, type Used } from '../core/ledger.ts'
import type { StageRequest } from '../core/request.ts'
import type { TokenUsage } from '../core/result.ts'
import { isNothing } from '../core/usage.ts'
import type { View } from '../core/view.ts'
import { AT } from '../store/layout.ts'
import type { Engine } from './engine.ts'

/** One line, or nothing if the stage run used nothing, as far as anybody told. */
export function ledgerChanges(
  engine: Engine,
  view: View,
  request: StageRequest,
  used: Pick<Used, 'ending' | 'endedAt' | 'hasResult'> & { usage: TokenUsage | null },
): Change[] {
  const { usage } = used
  if (usage === null || isNothing(usage)) return []
  const session = String(engine.workspace.lock.generation)
  const line = ledgerLine(request, { ...used, usage, session, rootSpecId: rootSpecOf(view, request) }, view.now)
  return [{ change: 'line.append', path: AT.usageLedger, record: { ...line } }]
}

function rootSpecOf(view: View, request: StageRequest): string | null {
  const { active_work_item_kind: kind, active_work_item_id: id } = request
  if (kind === null || id === null) return request.closure_target_root_spec_id
  return view.items.find(kind as ItemKind, id)[0]?.effectiveRoot ?? null
}

/** From the recovery counters of the Python runtime, four to an entry, to ours, one for each budget. Pure. */
import { normaliseClass } from '../../core/route.ts'
import type { CounterEntry, Counters } from '../../core/state.ts'
import type { PythonCounters } from './python-state.ts'

/** Whether a budget is kept for each class of failure, or for the item as a whole. */
const COUNTED_PER = {
  troubleshoot_attempt_count: 'failure_class',
  mechanic_attempt_count: 'failure_class',
  fix_cycle_count: 'item',
  consultant_invocations: 'item',
} as const
const NAMES = Object.keys(COUNTED_PER) as (keyof typeof COUNTED_PER)[]

export function translateCounters(old: PythonCounters): Counters {
  const entries = new Map<string, CounterEntry>()
  for (const { work_item_kind, work_item_id, failure_class, last_updated_at, ...counts } of old.entries) {
    for (const counter_name of NAMES) {
      const count = counts[counter_name]
      if (count <= 0) continue
      const key = COUNTED_PER[counter_name] === 'item' ? '' : normaliseClass(failure_class)
      const identity = JSON.stringify([work_item_kind, work_item_id, counter_name, key])
      const earlier = entries.get(identity)?.count ?? 0
      entries.set(identity, {
        work_item_kind,
        work_item_id,
        counter_name,
        key,
        count: earlier + count,
        last_updated_at,
      })
    }
  }
  return { schema_version: '2.0', kind: 'recovery_counters', entries: [...entries.values()] }
}

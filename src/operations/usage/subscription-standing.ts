/** How the rules over a subscription stand, by what its provider last told the runtime. Asks nobody. */
import { percentUsed, unasked } from '../../core/subscription.ts'
import type { UsageGovernance } from '../../core/usage-config.ts'
import type { View } from '../../core/view.ts'
import type { UsageOutput } from '../schemas/usage.ts'

/** Null while no rules over one are in force. */
export function subscriptionStanding(view: View, settings: UsageGovernance): UsageOutput['subscription'] {
  const quota = settings.subscription_quota_rules
  if (!settings.enabled || !quota.enabled) return null
  const told = view.snapshot.usage_governance
  const known = told?.subscription?.provider === quota.provider ? told.subscription : unasked(quota)
  const { windows, ...state } = known
  return {
    ...state,
    rules: quota.rules.map(({ rule_id, window, pause_at_percent_used }) => {
      const percent_used = percentUsed(known, window, view.now)
      return {
        rule_id,
        window,
        pause_at_percent_used,
        percent_used,
        resets_at: percent_used === null ? null : windows[window]!.resets_at,
        pauses: (told?.blockers ?? []).some(
          (blocker) => blocker.source === 'subscription_quota' && blocker.rule_id === rule_id,
        ),
      }
    }),
  }
}

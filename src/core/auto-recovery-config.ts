/** `[auto_recovery]` of millrace.toml. What comes of it is decided in auto-recovery.ts. */
import * as z from 'zod'
import { tick } from './boundary.ts'

const YEAR_SECONDS = 31_536_000

export const AutoRecoveryConfig = z.strictObject({
  enabled: z
    .boolean()
    .default(true)
    .meta(
      tick('An idle runtime puts blocked work back into its queue by itself, as the other keys of this section say.'),
    ),
  blocked_dependency_retry_enabled: z
    .boolean()
    .default(true)
    .meta(
      tick(
        'A task that others in the queue wait for is put back where what blocked it may pass by itself: a time limit, an agent that fell silent, a provider that failed.',
      ),
    ),
  max_auto_requeues_per_work_item: z
    .int()
    .min(0)
    .default(3)
    .meta(tick('So many times at most, of each task; 0 is never.')),
  cooldown_seconds: z
    .array(z.int().min(0).max(YEAR_SECONDS))
    .min(1)
    .default([300, 900, 3600])
    .meta(
      tick(
        'Time from when it was blocked until it is put back, for the first attempt and those after it; the last repeats.',
      ),
    ),
})
export type AutoRecoveryConfig = z.infer<typeof AutoRecoveryConfig>

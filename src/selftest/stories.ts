/** The reference stories: between them, every kind of transaction the runtime makes. */
import { approval, gate } from './stories/approvals.ts'
import { autoRecovery } from './stories/auto-recovery.ts'
import { carriedOutBefore, commands } from './stories/commands.ts'
import { notification } from './stories/deliveries.ts'
import { brokenDocuments, doneByHand, rewrittenDocument, withdrawal } from './stories/documents.ts'
import { firstStart, handoff, recovery, task } from './stories/execution.ts'
import { cancel, reload, requeue, stop } from './stories/interruptions.ts'
import { gap, heldClosure, rootSpec } from './stories/planning.ts'
import { logRotation, oldRuns } from './stories/retention.ts'
import { upgrade } from './stories/upgrade.ts'
import type { Story } from './story.ts'

export const STORIES: readonly Story[] = [
  firstStart,
  task,
  recovery,
  handoff,
  rootSpec,
  gap,
  heldClosure,
  commands,
  stop,
  cancel,
  notification,
  requeue,
  reload,
  approval,
  gate,
  autoRecovery,
  brokenDocuments,
  logRotation,
  oldRuns,
  rewrittenDocument,
  upgrade,
  carriedOutBefore,
  doneByHand,
  withdrawal,
]

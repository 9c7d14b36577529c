/**
 * The commands: every change of the workspace an operator can ask for, as pure functions from view and payload to
 * changes (design §8). The engine carries them out between stages; without a runtime the caller does, the same way.
 */
import type { CommandTable } from '../../core/operation.ts'
import { approveCapability, denyCapability } from './approvals.ts'
import { localiseAsset } from './assets.ts'
import { pause, reloadConfig, resume, stop } from './control.ts'
import { retryDeliveries } from './deliveries.ts'
import { archiveBlocked, cancelIncident, cancelWorkItem, resolveIncident, supersedeTask } from './departures.ts'
import { addDocument, addIdea, addWhereClaimed } from './documents.ts'
import { repairLineage } from './lineage.ts'
import { reorderQueue, retargetDependency } from './order.ts'
import { quarantineWorkItem, releaseWorkItem, retryWorkItem } from './returns.ts'
import { cancelRun, clearStaleState, retryActive } from './runs.ts'
import { archiveInvalidIncident } from './set-aside.ts'
import { installSkill } from './skills.ts'

/** By mailbox command name (spec 01 §4.6, extended). */
export const COMMANDS: CommandTable = {
  pause,
  resume,
  stop,
  reload_config: reloadConfig,
  add_task: addDocument('task'),
  add_spec: addDocument('spec'),
  add_probe: addWhereClaimed('probe'),
  add_learning_request: addWhereClaimed('learning_request'),
  add_idea: addIdea,
  retry_active: retryActive,
  clear_stale_state: clearStaleState,
  cancel_run: cancelRun,
  retry_work_item: retryWorkItem,
  cancel_work_item: cancelWorkItem,
  quarantine_work_item: quarantineWorkItem,
  release_work_item: releaseWorkItem,
  archive_blocked_task: archiveBlocked,
  supersede_task: supersedeTask,
  retarget_task_dependency: retargetDependency,
  reorder_queue: reorderQueue,
  repair_lineage: repairLineage,
  resolve_incident: resolveIncident,
  cancel_incident: cancelIncident,
  archive_invalid_incident: archiveInvalidIncident,
  install_skill: installSkill,
  approve_execution_capability: approveCapability,
  deny_execution_capability: denyCapability,
  localise_asset: localiseAsset,
  retry_deliveries: retryDeliveries,
  collect_garbage: { load: async () => (await import('./retention.ts')).collectGarbage },
  set_config: { load: async () => (await import('./settings.ts')).setConfig },
}

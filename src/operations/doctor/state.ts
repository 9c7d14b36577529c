/** Checks of the runtime state: state files by their schema, status files, the journal, the lock, runs and targets on hold. */
import * as z from 'zod'
import { MillraceError } from '../../core/errors.ts'
import { parseJson } from '../../core/json.ts'
import { QueueOrder } from '../../core/queue-order.ts'
import { ClosureTarget, Counters, Snapshot } from '../../core/state.ts'
import { readText } from '../../store/files.ts'
import { decodeRecord } from '../../store/journal.ts'
import { AT, statusFile } from '../../store/layout.ts'
import { describeLock, type LockState, lockState } from '../../store/lock.ts'
import { pendingRecord } from '../../store/pending.ts'
import { upgradeState } from '../../store/state-format.ts'
import type { Finding } from '../schemas/doctor.ts'
import { type Examination, error, named, remark, warning } from './examination.ts'
import type { CodeAt } from './findings.ts'

const RESTORE = 'restore it from a backup, or move it away and run `millrace control clear-stale-state`'

interface StateFile {
  kind: string
  file: string
  code: CodeAt<'error'>
  schema: z.ZodType
}

export function checkStateFiles(exam: Examination): Finding[] {
  const targets = (exam.files.list(exam.places.at(AT.targets)) ?? []).filter((name) => /^[^.].*\.json$/.test(name))
  const stateFiles: StateFile[] = [
    { kind: 'runtime_snapshot', file: AT.snapshot, code: 'snapshot_invalid', schema: Snapshot },
    { kind: 'recovery_counters', file: AT.counters, code: 'recovery_counters_invalid', schema: Counters },
    { kind: 'queue_order', file: AT.order, code: 'queue_order_invalid', schema: QueueOrder },
    ...targets.map(
      (name): StateFile => ({
        kind: 'closure_target_state',
        file: `${AT.targets}/${name}`,
        code: 'closure_target_state_invalid',
        schema: ClosureTarget,
      }),
    ),
  ]
  return stateFiles.flatMap((one) => checkStateFile(exam, one))
}

function checkStateFile(exam: Examination, { kind, file, code, schema }: StateFile): Finding[] {
  const path = named(exam, file)
  try {
    const text = readText(exam.files, exam.places.at(file))
    if (text === null) return [] // told as missing
    const checked = schema.safeParse(upgradeState(kind, parseJson(text)))
    if (checked.success) return []
    return [error(code, { path, message: z.prettifyError(checked.error).replace(/\s*\n\s*/g, ' '), remedy: RESTORE })]
  } catch (cause) {
    if (MillraceError.is(cause)) return [error(code, { path, message: cause.message, remedy: cause.hint ?? RESTORE })]
    return [error(code, { path, message: `It cannot be read: ${(cause as Error).message}.`, remedy: RESTORE })]
  }
}

const STATUS_CODES: Readonly<Record<string, CodeAt<'error'>>> = {
  execution: 'execution_status_invalid',
  planning: 'planning_status_invalid',
  learning: 'learning_status_invalid',
}
const MARKER = /^### [A-Z0-9_]+$/

export function checkStatusFiles(exam: Examination): Finding[] {
  const planes = (exam.files.list(exam.places.at('state')) ?? []).flatMap(
    (name) => /^(.+)_status\.md$/.exec(name)?.[1] ?? [],
  )
  return planes.flatMap((plane) => {
    const file = statusFile(plane)
    const bytes = exam.files.read(exam.places.at(file))
    if (bytes !== null && MARKER.test(Buffer.from(bytes).toString('utf8').trim())) return []
    const message = 'The status file does not hold a marker line such as "### IDLE".'
    return [
      error(STATUS_CODES[plane] ?? 'plane_status_invalid', {
        path: named(exam, file),
        message,
        remedy: 'write the line "### IDLE" into it',
      }),
    ]
  })
}

/** A transaction takes milliseconds; one that a living runtime still has not applied after this is stuck. */
const STUCK_AFTER_MS = 2000

export function checkJournal(exam: Examination): Finding[] {
  const { files, places, now } = exam
  const pending = pendingRecord(files, places)
  if (pending === null) return []
  const { file, bytes } = pending
  const path = named(exam, file)
  let record: ReturnType<typeof decodeRecord>
  try {
    record = decodeRecord(bytes)
  } catch (cause) {
    if (!MillraceError.is(cause)) throw cause
    return [error('journal_unsupported', { path, message: cause.message, remedy: cause.hint ?? null })]
  }
  const owned = lockOf(exam).state === 'active'
  const age = now.getTime() - (files.stat(places.at(file))?.mtimeMs ?? now.getTime())
  if (owned && age <= STUCK_AFTER_MS) return []
  if (record === null) {
    return [
      remark('journal_torn', {
        path,
        message: 'A transaction was cut off before it happened; the next runtime removes its remains.',
      }),
    ]
  }
  if (owned) {
    const message = `Transaction ${record.revision} could not be applied to the disk; the runtime tries again.`
    return [error('degraded', { path, message, remedy: 'make room or mend the disk' })]
  }
  const message = `Transaction ${record.revision} was cut off by a crash; the next runtime applies it.`
  return [remark('journal_pending', { path, message, remedy: 'start one with `millrace run daemon`' })]
}

const lockOf = ({ files, places, context }: Examination): LockState =>
  lockState({ files, places, processes: context.processes })

/** A runtime at work is what one wants, so an active lock is no warning. */
export function checkLock(exam: Examination): Finding[] {
  const lock = lockOf(exam)
  const path = named(exam, AT.lockFolder)
  const { sentence, hint } = describeLock(lock)
  const said = { path, message: sentence, remedy: hint === '' ? null : hint }
  switch (lock.state) {
    case 'absent':
    case 'released':
      return []
    case 'active':
      return [remark('runtime_ownership_lock_active', { ...said, remedy: lock.provable ? null : said.remedy })]
    case 'stale':
      return [warning('runtime_ownership_lock_stale', said)]
    case 'invalid':
      return [error('runtime_ownership_lock_invalid', said)]
    case 'foreign':
      return [warning(lock.alive ? 'runtime_ownership_lock_foreign' : 'runtime_ownership_lock_stale', said)]
  }
}

/** What waits for a person. */
export function checkHeld(
  { pause_sources, runner_waits, active_runs, last_reload_error }: Snapshot,
  targets: readonly ClosureTarget[],
): Finding[] {
  const held = targets.filter((target) => target.closure_open && target.held !== null)
  const open = targets.filter((target) => target.closure_open)
  return [
    ...active_runs.flatMap((run) =>
      run.held === null
        ? []
        : [
            warning('run_held', {
              path: `millrace-agents/runs/${run.run_id}`,
              message: `Run ${run.run_id} is held at ${run.node_id}: ${run.held.reason}.`,
              remedy: 'mend the cause, then `millrace control clear-stale-state` lets it go on',
            }),
          ],
    ),
    ...held.map((target) =>
      warning('closure_target_held', {
        path: `millrace-agents/${AT.targets}/${target.root_spec_id}.json`,
        message: `The closure of ${target.root_spec_id} is held: ${target.held!.reason}${target.held!.retry_at ? `; next try at ${target.held!.retry_at}` : ''}.`,
        remedy: target.held!.retry_at
          ? null
          : 'finish work of its lineage, or release it with `millrace control clear-stale-state`',
      }),
    ),
    ...(open.length > 1
      ? [
          error('closure_target_state_invalid', {
            path: `millrace-agents/${AT.targets}`,
            message: `Several closure targets are open: ${open.map((target) => target.root_spec_id).join(', ')}.`,
            remedy: 'set closure_open to false in all but one',
          }),
        ]
      : []),
    ...pause_sources.map((pause) =>
      remark('runtime_paused', {
        message: `Paused by ${pause.source}: ${pause.reason}${pause.until ? `, until ${pause.until}` : ''}.`,
        remedy: 'go on with `millrace resume`',
      }),
    ),
    ...runner_waits.map(({ runner_name, cause, reason, until }) =>
      remark('runner_waiting', {
        message: `Runner ${runner_name} waits until ${until}: ${cause}, ${reason}.`,
        remedy: 'try again at once with `millrace resume`',
      }),
    ),
    ...(last_reload_error === null
      ? []
      : [
          warning('config_reload_failed', {
            message: `The last reload failed: ${last_reload_error}`,
            remedy: 'see `millrace config validate`',
          }),
        ]),
  ]
}

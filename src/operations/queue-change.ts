/** What operators do to items in their queues: each verb posts one command. */
import { requireSafeId } from '../core/ids.ts'
import { ITEM_KINDS, type ItemState } from '../core/item.ts'
import type { InputField, Operation } from '../core/operation.ts'
import { type Context, requireWorkspace } from './context.ts'
import { type Issued, issue } from './issue.ts'

type Input = Record<string, unknown>
type Example = Operation<Context>['examples'][number]

export const output = async () => (await import('./schemas.ts')).issuedSchema()

const kind: InputField = {
  name: 'kind',
  type: 'choice',
  choices: ITEM_KINDS,
  placeholder: 'KIND',
  description: 'Its kind, where the id is used by several.',
}

/** `states`: those in which the verb takes an item. */
const id = (description: string, states: readonly ItemState[], placeholder = 'ID'): InputField => ({
  name: 'work_item_id',
  type: 'text',
  positional: true,
  required: true,
  placeholder,
  description,
  names: 'work_item',
  states,
})

/** A task named by an option. */
const task = (name: string, placeholder: string, description: string, states?: readonly ItemState[]): InputField => ({
  name,
  type: 'text',
  required: true,
  placeholder,
  description,
  names: 'work_item',
  kinds: ['task'],
  ...(states === undefined ? {} : { states }),
})

const reason = (fallback: string | null): InputField => ({
  name: 'reason',
  type: 'text',
  placeholder: 'TEXT',
  description: 'Why; kept in the record.',
  ...(fallback === null ? { required: true } : { default: fallback }),
})

const CASCADES = ['none', 'retarget', 'cancel']
const cascade = (retarget: string): InputField => ({
  name: 'cascade',
  type: 'choice',
  choices: CASCADES,
  default: 'none',
  placeholder: 'HOW',
  description: `What becomes of queued items that wait for it: none, retarget (${retarget}) or cancel.`,
})

const force = (description: string): InputField => ({ name: 'force', type: 'flag', description })

interface Definition {
  name: string
  command: string
  summary: string
  description: string
  input: readonly InputField[]
  example: Example
}

/** An operation that posts a command with its input as the payload; `kind` says which kind of item is meant. */
export function posting({
  name,
  command,
  summary,
  description,
  input,
  example,
}: Definition): Operation<Context, Input, Issued> {
  return {
    name,
    flavour: 'change',
    summary,
    description,
    input,
    examples: [example],
    output,
    async run(context, { kind: work_item_kind, ...given }) {
      requireWorkspace(context)
      if (typeof given.work_item_id === 'string') requireSafeId(given.work_item_id, 'The work item id')
      return issue(context, command, { ...given, ...(work_item_kind === undefined ? {} : { work_item_kind }) })
    },
  }
}

export const retry = posting({
  name: 'queue retry',
  command: 'retry_work_item',
  summary: 'Put a blocked item back into its queue.',
  description:
    'Moves a blocked or quarantined item back to its queue with a fresh budget. Of an item that is running, use `control retry-active`.',
  input: [
    id('Id of the item.', ['blocked', 'quarantined']),
    kind,
    reason('operator requested retry'),
    { name: 'root_spec_id', type: 'text', placeholder: 'ID', description: 'Refuse unless it belongs to that spec.' },
    force('Understood, and without effect: an operator may always retry.'),
  ],
  example: { command: 'millrace queue retry T-12 --reason "the key is there now"', does: 'try that item again' },
})

export const cancel = posting({
  name: 'queue cancel',
  command: 'cancel_work_item',
  summary: 'Take an item out of its queue for good.',
  description:
    'Moves a queued or blocked item to the cancelled folder beside its queue; nothing is deleted. Items that depend on it are named, and keep waiting unless --cascade says otherwise. To end a running agent, use `control cancel RUN`.',
  input: [
    id('Id of the item.', ['queued', 'blocked']),
    kind,
    reason('operator cancelled the item'),
    cascade('they wait for what it waited for'),
    force('Understood, and without effect.'),
  ],
  example: { command: 'millrace queue cancel T-12 --reason "not needed any more"', does: 'drop that item' },
})

export const quarantine = posting({
  name: 'queue cleanup quarantine',
  command: 'quarantine_work_item',
  summary: 'Set an item aside until it is released.',
  description:
    'Moves a queued or blocked item to the quarantine folder of its kind. It is not claimed there, and counts as no open work; `queue release` brings it back.',
  input: [id('Id of the item.', ['queued', 'blocked']), kind, reason('operator quarantined the item')],
  example: { command: 'millrace queue cleanup quarantine T-12 --reason "look at it first"', does: 'set it aside' },
})

export const release = posting({
  name: 'queue release',
  command: 'release_work_item',
  summary: 'Bring an item back that was set aside.',
  description: 'Moves a quarantined item back to its queue.',
  input: [id('Id of the item.', ['quarantined']), kind, reason('operator released the item')],
  example: { command: 'millrace queue release T-12', does: 'put it back into its queue' },
})

export const archiveBlocked = posting({
  name: 'queue archive-blocked',
  command: 'archive_blocked_task',
  summary: 'Put a blocked task away for good.',
  description: 'Moves a blocked task to the cancelled folder beside the blocked ones; nothing is deleted.',
  input: [
    { ...id('Id of the task.', ['blocked'], 'TASK'), kinds: ['task'] },
    reason('operator archived the blocked task'),
  ],
  example: { command: 'millrace queue archive-blocked T-12 --reason "done by hand"', does: 'put it away' },
})

export const supersede = posting({
  name: 'queue supersede',
  command: 'supersede_task',
  summary: 'Put another task in the place of one.',
  description:
    'Moves a queued or blocked task to the superseded folder beside it. The replacement must be queued, active or done. Items that wait for the old one are named, and keep waiting unless --cascade says otherwise; retarget is refused where one would come to wait for itself.',
  input: [
    { ...id('Id of the task that goes.', ['queued', 'blocked'], 'OLD'), kinds: ['task'] },
    task('replacement', 'NEW', 'Task in its place.', ['queued', 'active', 'done']),
    reason(null),
    cascade('they wait for the replacement'),
  ],
  example: {
    command: 'millrace queue supersede T-12 --replacement T-40 --reason "split anew" --cascade retarget',
    does: 'replace it, also for those that wait for it',
  },
})

export const reorder: Operation<Context, Input, Issued> = {
  ...posting({
    name: 'queue reorder',
    command: 'reorder_queue',
    summary: 'Say in which order a queue is worked through.',
    description:
      'Takes the ids of one queue, each of its items exactly once, first ones first. With --first or --last only some are named, and go before or behind all others. The order is kept until the next one; what is queued later comes after it, oldest first. An item that still waits for something is passed over until it need not.',
    input: [
      {
        name: 'work_item_ids',
        type: 'list',
        positional: true,
        required: true,
        placeholder: 'ID',
        description: 'Ids, first ones first.',
        names: 'work_item',
        states: ['queued'],
      },
      { ...kind, description: 'Kind of the queue (default: that of the ids).' },
      { name: 'first', type: 'flag', description: 'Put these before all others.' },
      { name: 'last', type: 'flag', description: 'Put these behind all others.' },
      reason('operator reordered the queue'),
    ],
    example: { command: 'millrace queue reorder --first T-40', does: 'have T-40 done next' },
  }),
  async run(context, { first, last, kind: work_item_kind, ...given }) {
    requireWorkspace(context)
    const place = first === true ? 'first' : last === true ? 'last' : 'all'
    return issue(context, 'reorder_queue', { ...given, place, ...(work_item_kind ? { work_item_kind } : {}) })
  },
}

export const retargetDependency = posting({
  name: 'queue retarget-dependency',
  command: 'retarget_task_dependency',
  summary: 'Have a queued task wait for another one.',
  description:
    'Rewrites one line of the document of a queued task: where it waits for OLD it waits for NEW. Everything else of the document stays byte for byte. Refused where the task would come to wait for itself, or for a task there is not.',
  input: [
    { ...id('Id of the task.', ['queued'], 'TASK'), kinds: ['task'] },
    task('from', 'OLD', 'Task it waits for.'),
    task('to', 'NEW', 'Task it is to wait for.'),
    reason(null),
  ],
  example: {
    command: 'millrace queue retarget-dependency T-13 --from T-12 --to T-40 --reason "T-12 was split"',
    does: 'wait for T-40 instead',
  },
})

/** Touches whatever strays, so it is previewed until somebody says otherwise. */
export const repairLineage: Operation<Context, { root_spec_id: string }, Issued> = {
  name: 'queue repair-lineage',
  flavour: 'change',
  summary: 'Find work that names a wrong root spec, and set it right.',
  description:
    'Looks for tasks and incidents of the same idea that name another root spec, and so drop out of its closure. Lists each field that would be rewritten, and what is left to you (specs, and what is active). Changes nothing without --apply.',
  input: [
    { name: 'root_spec_id', type: 'text', required: true, placeholder: 'ID', description: 'Root spec they belong to.' },
  ],
  examples: [
    { command: 'millrace queue repair-lineage --root-spec-id S-1', does: 'see what strays' },
    { command: 'millrace queue repair-lineage --root-spec-id S-1 --apply', does: 'set it right' },
  ],
  output,
  async run(context, { root_spec_id }) {
    requireWorkspace(context)
    requireSafeId(root_spec_id, 'The root spec id')
    return issue(context, 'repair_lineage', { root_spec_id }, { bulk: true })
  },
}

/** Incidents by their id: what an operator saw to, or drops. */
const incident = (verb: { name: string; command: string; summary: string; description: string; example: Example }) =>
  posting({
    ...verb,
    input: [{ ...id('Id of the incident.', ['queued', 'blocked', 'active']), kinds: ['incident'] }, reason(null)],
  })

export const incidentsResolve = incident({
  name: 'incidents resolve',
  command: 'resolve_incident',
  summary: 'Say that an incident has been seen to.',
  description:
    'Moves an incident that is incoming, blocked, or active without a run to incidents/resolved/operator. The work it came from counts as carried on.',
  example: { command: 'millrace incidents resolve inc-1 --reason "fixed by hand"', does: 'close the incident' },
})

export const incidentsCancel = incident({
  name: 'incidents cancel',
  command: 'cancel_incident',
  summary: 'Drop an incident.',
  description:
    'Moves an incident that is incoming, blocked, or active without a run to the cancelled folder beside it.',
  example: { command: 'millrace incidents cancel inc-1 --reason "no longer so"', does: 'drop the incident' },
})

export const incidentsArchiveInvalid = posting({
  name: 'incidents archive-invalid',
  command: 'archive_invalid_incident',
  summary: 'Put away an incident document nobody can read.',
  description:
    'Moves a file of incidents/incoming that was set aside as unreadable (its name ends in .invalid) to invalid-archived beside it, with its findings. Nothing is deleted.',
  input: [
    {
      name: 'filename',
      type: 'text',
      positional: true,
      required: true,
      placeholder: 'FILENAME',
      description: 'Name of the file, without a folder.',
    },
    reason(null),
  ],
  example: {
    command: 'millrace incidents archive-invalid inc-1.md.invalid --reason "rewritten as inc-2"',
    does: 'put it away',
  },
})

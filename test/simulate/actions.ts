/** What may happen on the machine, and how agents may behave: all of it plain values, so that fast-check can shrink it. */
import fc from 'fast-check'

export const COMMAND_FORMS = [
  'add_task',
  'add_task',
  'add_task',
  'add_spec',
  'add_idea',
  'pause',
  'resume',
  'resume',
  'stop',
  'reload_config',
  'retry_active',
  'clear_stale_state',
  'requeue',
  'cancel_run',
  'retry_work_item',
  'cancel_work_item',
  'quarantine_work_item',
  'release_work_item',
  'supersede_task',
  'reorder_queue',
  'set_config',
  'approve_execution_capability',
  'approve_execution_capability',
  'deny_execution_capability',
  'unknown',
  'senseless',
  'no command',
] as const
export const DOCUMENT_FORMS = [
  'good',
  'good',
  'good',
  'depends',
  'malformed',
  'half',
  'empty',
  'not text',
  'wrong name',
] as const
export const HAND_FORMS = ['edit', 'save', 'move', 'delete', 'copy', 'rename', 'spoil'] as const
export const CONFIG_FORMS = [
  'good',
  'asking',
  'asking',
  'kill',
  'tight',
  'invalid',
  'no toml',
  'side by side',
  'short',
  'short',
  'telling',
  'telling',
  'gone',
] as const
export const LOG_FORMS = ['note', 'half a line', 'cut', 'gone'] as const
export const STATE_FORMS = ['status', 'counters', 'snapshot', 'reformat', 'no status'] as const
export const FAULT_CODES = ['ENOSPC', 'EIO', 'EACCES', 'EMFILE'] as const
export const FAULT_CALLS = [
  [],
  [],
  ['flush'],
  ['write'],
  ['link', 'rename'],
  ['append'],
  ['unlink'],
  ['read'],
  ['list'],
  ['stat'],
] as const
export const KINDS = ['task', 'task', 'task', 'spec', 'incident', 'probe', 'learning_request'] as const
export const STATES = ['queued', 'queued', 'queued', 'active', 'done', 'blocked', 'quarantined'] as const

/** `after`: right before that many more changes of the disk by the product; 0 = while it is at rest. */
export type Action =
  | { do: 'pass'; seconds: number }
  | { do: 'sleep'; minutes: number }
  | { do: 'set clock'; minutes: number }
  | { do: 'command'; form: (typeof COMMAND_FORMS)[number]; item: number; after: number; issued: boolean }
  | { do: 'withdraw' }
  | {
      do: 'drop'
      form: (typeof DOCUMENT_FORMS)[number]
      kind: (typeof KINDS)[number]
      state: (typeof STATES)[number]
      item: number
      isFlushed: boolean
      after: number
    }
  | { do: 'complete' }
  | {
      do: 'hand'
      form: (typeof HAND_FORMS)[number]
      which: number
      state: (typeof STATES)[number]
      isFlushed: boolean
      after: number
    }
  | { do: 'idea'; item: number; isBlank: boolean; after: number }
  | { do: 'config'; form: (typeof CONFIG_FORMS)[number] }
  | { do: 'log'; form: (typeof LOG_FORMS)[number]; after: number }
  | { do: 'state'; form: (typeof STATE_FORMS)[number]; after: number }
  | { do: 'signal'; isKill: boolean }
  | { do: 'kill'; after: number; isTorn: boolean; isZombie: boolean }
  | { do: 'power loss'; after: number; state: number }
  | { do: 'fault'; code: (typeof FAULT_CODES)[number]; calls: readonly string[]; after: number; count: number }
  | { do: 'heal' }
  | { do: 'rival'; after: number }
  | { do: 'take over'; after: number; isProvable: boolean; wakesAfterSeconds: number; isUsed: boolean }

export const SAYS = [
  'marker',
  'another stage',
  'two markers',
  'no marker',
  'marker above',
  'nothing',
  'result file',
  'broken result file',
] as const
export const OWES = ['all', 'none', 'garbage', 'one'] as const
export const HANDS_IN = [
  'what is asked',
  'malformed',
  'twice',
  'cyclic',
  'many',
  'of another kind',
  'taken id',
] as const
export const EDITS = ['none', 'add', 'spoil', 'another id', 'delete', 'move'] as const
export const ENDS = [
  'well',
  'hangs',
  'dies',
  'exit code',
  'rate limit',
  'network',
  'provider',
  'at once',
  'not started',
] as const
export const MEDDLES = ['not', 'snapshot', 'counters', 'status', 'log', 'command', 'request'] as const

export interface Temper {
  /** Which of the node's outcomes it reports; 0 is the success. */
  outcome: number
  says: (typeof SAYS)[number]
  owes: (typeof OWES)[number]
  handsIn: (typeof HANDS_IN)[number]
  edits: (typeof EDITS)[number]
  ends: (typeof ENDS)[number]
  meddles: (typeof MEDDLES)[number]
  seconds: number
  /** Asked to stop, it ends only after a while, with everything a success needs. */
  isDeaf: boolean
  /** The harness dies with the runtime that talks to it. */
  isTethered: boolean
  after: number
}

export interface Story {
  actions: readonly Action[]
  /** Of the agents, in the order they are started, over and over. */
  tempers: readonly Temper[]
}

const one = <T>(values: readonly T[]) => fc.constantFrom(...values)
/** Shrinks to the first. */
const mostly = <T>(usual: T, others: readonly T[], weight = 8) =>
  fc.oneof({ withCrossShrink: true }, { weight, arbitrary: fc.constant(usual) }, { weight: 2, arbitrary: one(others) })
const from = (low: number, high: number) => fc.integer({ min: low, max: high })
const flag = fc.boolean()
const after = fc.oneof(
  { withCrossShrink: true },
  { weight: 2, arbitrary: fc.constant(0) },
  { weight: 3, arbitrary: from(1, 12) },
  { weight: 1, arbitrary: from(1, 80) },
)
const item = from(0, 5)

const ofAction = <Kind extends Action['do']>(
  weight: number,
  kind: Kind,
  fields: {
    [Name in keyof Omit<Extract<Action, { do: Kind }>, 'do'>]: fc.Arbitrary<
      Extract<Action, { do: Kind }>[Name & keyof Extract<Action, { do: Kind }>]
    >
  },
) => ({ weight, arbitrary: fc.record({ do: fc.constant(kind), ...fields }) as unknown as fc.Arbitrary<Action> })

const action: fc.Arbitrary<Action> = fc.oneof(
  { withCrossShrink: true },
  ofAction(24, 'pass', { seconds: from(1, 40) }),
  ofAction(1, 'sleep', { minutes: from(1, 600) }),
  ofAction(1, 'set clock', { minutes: from(-3000, 3000) }),
  ofAction(7, 'command', { form: one(COMMAND_FORMS), item, after, issued: mostly(false, [true], 6) }),
  ofAction(1, 'withdraw', {}),
  ofAction(6, 'drop', {
    form: one(DOCUMENT_FORMS),
    kind: one(KINDS),
    state: one(STATES),
    item,
    isFlushed: flag,
    after,
  }),
  ofAction(1, 'complete', {}),
  ofAction(4, 'hand', { form: one(HAND_FORMS), which: from(0, 20), state: one(STATES), isFlushed: flag, after }),
  ofAction(1, 'idea', { item, isBlank: mostly(false, [true]), after }),
  ofAction(1, 'config', { form: one(CONFIG_FORMS) }),
  ofAction(1, 'log', { form: one(LOG_FORMS), after }),
  ofAction(1, 'state', { form: one(STATE_FORMS), after }),
  ofAction(1, 'signal', { isKill: flag }),
  ofAction(4, 'kill', { after, isTorn: flag, isZombie: flag }),
  ofAction(3, 'power loss', { after, state: from(0, 200) }),
  ofAction(3, 'fault', { code: one(FAULT_CODES), calls: one(FAULT_CALLS), after, count: from(1, 12) }),
  ofAction(2, 'heal', {}),
  ofAction(1, 'rival', { after }),
  ofAction(1, 'take over', { after, isProvable: flag, wakesAfterSeconds: from(0, 90), isUsed: flag }),
)

const temper: fc.Arbitrary<Temper> = fc.record({
  outcome: mostly(0, [1, 2]),
  says: mostly<Temper['says']>('marker', SAYS.slice(1), 12),
  owes: mostly<Temper['owes']>('all', OWES.slice(1), 14),
  handsIn: mostly<Temper['handsIn']>('what is asked', HANDS_IN.slice(1)),
  edits: mostly<Temper['edits']>('none', EDITS.slice(1)),
  ends: fc.oneof(
    { withCrossShrink: true },
    { weight: 12, arbitrary: fc.constant<Temper['ends']>('well') },
    { weight: 2, arbitrary: one(ENDS.slice(1)) },
    { weight: 1, arbitrary: fc.constant<Temper['ends']>('provider') },
  ),
  meddles: mostly<Temper['meddles']>('not', MEDDLES.slice(1), 16),
  seconds: fc.oneof(
    { withCrossShrink: true },
    { weight: 4, arbitrary: from(1, 10) },
    { weight: 1, arbitrary: from(10, 9000) },
  ),
  isDeaf: mostly(false, [true], 6),
  isTethered: mostly(false, [true], 6),
  after: mostly(0, [1, 2, 3, 5, 8, 13]),
})

export const HONEST: Temper = {
  outcome: 0,
  says: 'marker',
  owes: 'all',
  handsIn: 'what is asked',
  edits: 'none',
  ends: 'well',
  meddles: 'not',
  seconds: 1,
  isDeaf: false,
  isTethered: false,
  after: 0,
}

/** Stories of up to `actionsMax` actions. */
export const storyArbitrary = (actionsMax: number): fc.Arbitrary<Story> =>
  fc.record({
    actions: fc.noBias(fc.array(action, { minLength: 0, maxLength: actionsMax, size: 'max' })),
    tempers: fc.noBias(fc.array(temper, { minLength: 1, maxLength: 30, size: 'max' })),
  })

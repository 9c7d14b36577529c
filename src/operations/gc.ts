/** Removing what old runs left: what goes and what stays, and why; with --apply it goes. */
import { MillraceError } from '../core/errors.ts'
import type { Operation } from '../core/operation.ts'
import { decide, type Reason, tally, type Verdict } from '../core/retention.ts'
import { limitsOf, type RetentionLimits } from '../core/retention-config.ts'
import type { Retention } from '../core/state.ts'
import { stateId } from '../core/state-id.ts'
import type { View } from '../core/view.ts'
import { type Survey, survey } from '../engine/survey.ts'
import { readConfig } from '../store/config-file.ts'
import { planFolder, RUNTIME_ROOT, runFolder } from '../store/layout.ts'
import { type Context, placesIn, requireWorkspace } from './context.ts'
import { type Issued, issue } from './issue.ts'
import { lockIn } from './owner.ts'
import { reading } from './reading.ts'
import type { GcOutput } from './schemas/gc.ts'

interface GcInput {
  older_than?: string
  keep?: number
  max_size?: string
}

export const gc: Operation<Context, GcInput, GcOutput> = {
  name: 'gc',
  flavour: 'change',
  summary: 'Remove what old runs left, by age, number and size.',
  description:
    'Lists what may go by the limits of [retention] in millrace.toml, and what stays although a limit speaks against it: unfinished runs, runs of unfinished items, evidence for a root spec that is still to be judged, what open work names, a kept working tree nobody has taken back, folders with files that are not ours, plans of runs that stay. Removes nothing without --apply. What is removed is gone for good; what was used stays in the usage ledger.',
  input: [
    {
      name: 'older_than',
      type: 'text',
      placeholder: 'DAYS',
      description: 'Instead of retention.runs_days: finished runs older than that go, such as 30d or 4w.',
    },
    {
      name: 'keep',
      type: 'integer',
      minimum: 1,
      placeholder: 'N',
      description: 'The newest N runs stay; without another option here, all other finished ones go.',
    },
    {
      name: 'max_size',
      type: 'text',
      placeholder: 'SIZE',
      description:
        'Instead of retention.runs_mib_max: the oldest finished runs go beyond that size, such as 500MiB or 5GiB.',
    },
  ],
  examples: [
    { command: 'millrace gc', does: 'see what may go, and what stays' },
    { command: 'millrace gc --apply', does: 'remove it' },
    {
      command: 'millrace gc --older-than 30d --keep 100 --apply',
      does: 'remove runs older than a month but the last 100',
    },
  ],
  output: async () => (await import('./schemas.ts')).gcSchema(),
  async run(context, input) {
    requireWorkspace(context)
    const limits = limitsFor(context, input)
    const view = viewOf(context)
    const found = await surveyed(context, view)
    const verdicts = decide(found.facts, limits)
    const going = verdicts.filter(({ goes }) => goes)
    const answer = {
      action: 'collect_garbage' as const,
      limits,
      count: going.length,
      bytes: bytesOf(going),
      summary: tally(verdicts),
      entries: verdicts.filter(({ reason }) => !AT_REST.includes(reason)).map(entryOf),
    }
    if (context.apply) return { ...answer, ...(await applied(context, limits)) }
    const mode = lockIn(context).state === 'active' ? ('mailbox' as const) : ('direct' as const)
    const detail = going.length === 0 ? 'nothing may go' : `${counted(going.length)} may go`
    const state_id = stateId(view)
    return { ...answer, mode, state: 'preview', applied: false, detail, command_id: null, mailbox_path: null, state_id }
  },
}

/** How many bytes removing what may go would free; none where the workspace cannot be read. */
export async function freeableBytes(context: Context): Promise<number> {
  try {
    const { facts } = await surveyed(context, viewOf(context))
    return bytesOf(decide(facts, limitsFor(context, {})).filter(({ goes }) => goes))
  } catch (error) {
    if (!MillraceError.is(error)) throw error
    return 0
  }
}

/** Of what no limit asks to go. */
const AT_REST: readonly Reason[] = ['within_limits', 'in_force', 'named_by_run']

const bytesOf = (verdicts: readonly Verdict[]): number => verdicts.reduce((sum, { bytes }) => sum + bytes, 0)

/** Of one moment; what lies in run folders is looked at afterwards, and may be of a later one. */
const viewOf = (context: Context): View => reading(context, (view) => view)

function surveyed(context: Context, view: View): Promise<Survey> {
  const { files } = context
  return survey({ ports: context, files, places: placesIn(context), view: () => view, breathe: () => undefined })
}

// ---- the limits of this call -----------------------------------------------------------------------------------------

function limitsFor(context: Context, { older_than, keep, max_size }: GcInput): RetentionLimits {
  const limits = limitsOf(readConfig(context.files, placesIn(context), context.overrides).config.retention)
  if (older_than !== undefined) limits.runs_days = amountOf('--older-than', older_than, DAYS, 'such as 30d or 4w')
  if (max_size !== undefined) limits.runs_mib_max = amountOf('--max-size', max_size, MIB, 'such as 500MiB or 5GiB')
  if (keep !== undefined) limits.runs_keep = keep
  if (keep !== undefined && older_than === undefined && max_size === undefined) limits.runs_max = keep
  return limits
}

const DAYS: Readonly<Record<string, number>> = { '': 1, d: 1, w: 7 }
const MIB: Readonly<Record<string, number>> = { '': 1, m: 1, mib: 1, mb: 1, g: 1024, gib: 1024, gb: 1024 }

/** A number above 0 with its unit. Throws `usage`. */
function amountOf(option: string, given: string, units: Readonly<Record<string, number>>, hint: string): number {
  const [, number, unit = ''] = /^([1-9]\d{0,5})\s*([a-z]*)$/i.exec(given.trim()) ?? []
  const factor = Object.hasOwn(units, unit.toLowerCase()) ? units[unit.toLowerCase()] : undefined
  if (number !== undefined && factor !== undefined) return Number(number) * factor
  const what = `${option} needs a number above 0 with its unit, not ${JSON.stringify(given.slice(0, 80))}.`
  throw new MillraceError('usage', what, { hint })
}

// ---- carrying it out -------------------------------------------------------------------------------------------------

type Outcome = Pick<GcOutput, 'mode' | 'state' | 'applied' | 'detail' | 'command_id' | 'mailbox_path'> &
  Partial<Pick<GcOutput, 'count' | 'bytes'>>

const POLL_MS = 100

async function applied(context: Context, limits: RetentionLimits): Promise<Outcome> {
  const { mode, state, detail, command_id, mailbox_path, result } = await issue(
    context,
    'collect_garbage',
    { limits },
    { collects: true },
  )
  const posted = { mode, command_id, mailbox_path }
  if (state === 'queued') return { ...posted, state, applied: false, detail }
  const ended = await endOf(context, result)
  if (ended === null)
    return { ...posted, state: 'under_way', applied: false, detail: 'the runtime is removing what may go' }
  const removed = Object.values(ended.removed)
  const sum = (of: 'count' | 'bytes') => removed.reduce((total, one) => total + one[of], 0)
  const said = sum('count') === 0 ? 'nothing was to go' : `${counted(sum('count'))} removed`
  return { ...posted, state: 'applied', applied: true, detail: said, count: sum('count'), bytes: sum('bytes') }
}

/** How it ended; null if a runtime is still at it after --wait-seconds. */
async function endOf(context: Context, result: Issued['result']): Promise<Retention['last']> {
  const { clock, waitSeconds } = context
  const untilMs = clock.monotonicMs() + waitSeconds * 1000
  for (;;) {
    const last = reading(context, ({ snapshot }) => snapshot.retention?.last ?? null)
    if (last !== null && last.asked_at >= String(result.asked_at)) return last
    if (clock.monotonicMs() >= untilMs) return null
    await new Promise<void>((resolve) => clock.after(POLL_MS, resolve))
  }
}

const counted = (count: number): string => `${count} ${count === 1 ? 'thing' : 'things'}`

function entryOf({ kind, name, goes, reason, bytes }: Verdict): GcOutput['entries'][number] {
  const below = kind === 'run' ? runFolder(name) : kind === 'plan' ? planFolder(name) : name
  return { kind, name, path: kind === 'ref' ? null : `${RUNTIME_ROOT}/${below}`, goes, reason, bytes }
}

/** The event log: its last events, and those that come. Reads only, and takes no lock. */
import { MillraceError } from '../core/errors.ts'
import { EVENT_TYPES, type RuntimeEvent } from '../core/events.ts'
import { didYouMean, nearest } from '../core/nearest.ts'
import type { Operation } from '../core/operation.ts'
import { EventReader } from '../store/event-follow.ts'
import { tailLog, type Wanted } from '../store/event-log.ts'
import { AT } from '../store/layout.ts'
import { type Alarm, lookingOn } from './alarm.ts'
import { type Context, placesIn, requireWorkspace } from './context.ts'
import { instantOf } from './instant.ts'
import type { LogsEnd, LogsOutput } from './schemas/logs.ts'

const TAIL_DEFAULT = 50
/** The answer is one JSON value in memory; whoever wants more reads the files. */
const TAIL_MAX = 100_000

interface LogsInput {
  tail?: number
  follow?: boolean
  since?: string
  type?: string[]
  limit?: number
  idle_timeout?: number
}

export const logs: Operation<Context, LogsInput, LogsOutput | LogsEnd> = {
  name: 'logs',
  flavour: 'read',
  follows: (input) => input.follow === true,
  summary: 'The event log: what happened, and what happens.',
  description:
    'Shows the last events of the workspace, oldest first, reading on into logs that were put aside. With --follow it goes on with what is written from now, until Ctrl-C, --limit or --idle-timeout; with --json one object per line then, the last of which says why it ended. A line that is no event is passed over and counted. Process output of a daemon is not here: see `millrace runs follow` for what agents do.',
  input: [
    {
      name: 'tail',
      type: 'integer',
      minimum: 0,
      placeholder: 'N',
      description: `The last N events (default: ${TAIL_DEFAULT}; with --since all there are, at most ${TAIL_MAX}).`,
    },
    { name: 'follow', type: 'flag', description: 'Go on with what is written from now.' },
    {
      name: 'since',
      type: 'text',
      placeholder: 'TIME|AGE',
      description: 'Only events from then on: a time such as 2026-03-02T09:15:00Z, or an age such as 30m, 5h, 2d.',
    },
    {
      name: 'type',
      type: 'list',
      placeholder: 'TYPE',
      description: 'Only events of this type, such as stage_completed, or of types that begin so, such as "stage_*".',
    },
    {
      name: 'limit',
      type: 'integer',
      minimum: 1,
      placeholder: 'N',
      description: 'With --follow: end after N events that were followed.',
    },
    {
      name: 'idle_timeout',
      type: 'number',
      minimum: 0.1,
      placeholder: 'S',
      description: 'With --follow: end after so many seconds without an event.',
    },
  ],
  examples: [
    { command: 'millrace logs --tail 20', does: 'see what happened last' },
    { command: 'millrace logs --since 2h --type "stage_*"', does: 'see which stages ran in the last two hours' },
    { command: 'millrace logs --follow --json', does: 'hand every event from now on to a program, one line each' },
  ],
  output: async () => (await import('./schemas.ts')).logsSchema(),
  async run(context, input) {
    requireWorkspace(context)
    if (input.follow === true) return lookingOn(context, (alarm) => follow(context, input, alarm))
    for (const option of ['limit', 'idle_timeout'] as const) {
      if (input[option] === undefined) continue
      throw new MillraceError('usage', `--${option.replace('_', '-')} only means something with --follow.`, {
        hint: 'to see fewer events use --tail N',
      })
    }
    const { events, skipped } = tailLog(context.files, placesIn(context), wantedBy(context, input))
    return { events, skipped }
  },
}

function wantedBy({ clock }: Context, { tail, since, type }: LogsInput): Wanted {
  const count = tail ?? (since === undefined ? TAIL_DEFAULT : TAIL_MAX)
  const accept = acceptOf(type ?? [])
  return since === undefined ? { count, accept } : { count, accept, sinceMs: instantOf(since, '--since', clock.now()) }
}

/** Throws `usage` for a type that no event has. */
function acceptOf(types: readonly string[]): (event: RuntimeEvent) => boolean {
  const known = Object.keys(EVENT_TYPES)
  const exact = new Set<string>()
  const prefixes: string[] = []
  for (const type of types.flatMap((one) => one.split(',')).map((one) => one.trim())) {
    const prefix = type.endsWith('*') ? type.slice(0, -1) : null
    if (prefix === null ? known.includes(type) : known.some((one) => one.startsWith(prefix))) {
      if (prefix === null) exact.add(type)
      else prefixes.push(prefix)
      continue
    }
    const near = nearest(type.replace(/\*$/, ''), known)
    throw new MillraceError('usage', `No event is of the type ${JSON.stringify(type.slice(0, 80))}.`, {
      hint: didYouMean(near, `there are: ${known.join(', ')}`),
    })
  }
  if (types.length === 0) return () => true
  return ({ event_type }) => exact.has(event_type) || prefixes.some((prefix) => event_type.startsWith(prefix))
}

async function follow(context: Context, input: LogsInput, alarm: Alarm): Promise<LogsEnd> {
  const places = placesIn(context)
  const wanted = wantedBy(context, input)
  const idleMs = (input.idle_timeout ?? Number.POSITIVE_INFINITY) * 1000
  alarm.watch(places.at(AT.logs))
  const reader = new EventReader(context.files, places, wanted)
  let told = 0
  for (const event of reader.earlier) {
    if (alarm.ended !== null) break
    await context.tell(event)
    told += 1
  }
  const toldBefore = told
  const end = (reason: LogsEnd['end']['reason']): LogsEnd => ({
    end: { reason, events: told, skipped: reader.skipped },
  })
  for (let lastMs = context.clock.monotonicMs(); ; ) {
    for (const event of reader.readOn()) {
      if (alarm.ended !== null) break
      if (!wanted.accept(event)) continue
      await context.tell(event)
      told += 1
      lastMs = context.clock.monotonicMs()
      if (told - toldBefore === input.limit) return end('limit')
    }
    if (alarm.ended !== null) return end(alarm.ended)
    const leftMs = lastMs + idleMs - context.clock.monotonicMs()
    if (leftMs <= 0) return end('idle')
    await alarm.sleep(leftMs)
  }
}

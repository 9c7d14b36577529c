/** Incidents: trouble that was handed from one lane to another, by state. Reads their documents. */
import { parseDocumentBytes } from '../core/document.ts'
import { ITEM_STATES, type ItemEntry, type ItemState } from '../core/item.ts'
import type { Operation } from '../core/operation.ts'
import { runOf } from '../core/state.ts'
import type { View } from '../core/view.ts'
import type { Files } from '../store/files.ts'
import { itemFolder, type Places, SET_ASIDE } from '../store/layout.ts'
import { type Context, placesIn } from './context.ts'
import { limitedTo, limitField } from './fields.ts'
import { placesOfItem } from './queue/find.ts'
import { reading } from './reading.ts'
import type { IncidentRow, IncidentsLsOutput } from './schemas/incidents.ts'

const LISTED_DEFAULT = 100
/** Those that ask for something first. */
const ORDER: readonly ItemState[] = ['active', 'queued', 'blocked', 'quarantined', 'done', 'cancelled']
const SETTLED: readonly ItemState[] = ['done', 'cancelled']

export const incidentsLs: Operation<Context, { all?: boolean; state?: ItemState; limit?: number }, IncidentsLsOutput> =
  {
    name: 'incidents ls',
    flavour: 'read',
    summary: 'Incidents by state: what went wrong, how bad it is, and where it came from.',
    description:
      'Lists incidents with severity, kind of failure, what raised them and on account of what, those that ask for something first; resolved and cancelled ones only when asked for. Documents that cannot be read are named with what is wrong with them. The whole document: `millrace queue show ID`.',
    input: [
      { name: 'all', type: 'flag', description: 'Resolved and cancelled ones too.' },
      {
        name: 'state',
        type: 'choice',
        choices: ITEM_STATES,
        placeholder: 'STATE',
        description: 'Only those in this state; `queued` is incoming, `done` is resolved.',
      },
      limitField(LISTED_DEFAULT),
    ],
    examples: [
      { command: 'millrace incidents', does: 'see what is open' },
      { command: 'millrace incidents ls --state done', does: 'see what was resolved' },
    ],
    output: async () => (await import('./schemas.ts')).incidentsLsSchema(),
    async run(context, { all, state, limit = LISTED_DEFAULT }) {
      const places = placesIn(context)
      return reading(context, (view, files) => {
        const states = state ? [state] : ORDER.filter((one) => all === true || !SETTLED.includes(one))
        const entries = states.flatMap((one) => inOrder(view, one))
        const counts = ITEM_STATES.map((one) => [one, view.items.count('incident', one)] as const)
        return {
          counts: Object.fromEntries(counts) as IncidentsLsOutput['counts'],
          incident_count: entries.length,
          incidents: limitedTo(limit, entries).map((entry) => rowOf(view, files, places, entry)),
          unreadable: unreadableOf(view, files, places),
        }
      })
    },
  }

/** In claim order; what is over, newest first. */
function inOrder(view: View, state: ItemState): ItemEntry[] {
  const entries = [...view.items.inState('incident', state)]
  return SETTLED.includes(state) ? entries.reverse() : entries
}

function rowOf(view: View, files: Files, places: Places, entry: ItemEntry): IncidentRow {
  const place = placesOfItem(files, places, 'incident', entry.id).find((one) => one.state === entry.state)
  const parsed = place && parseDocumentBytes('incident', files.read(place.path) ?? new Uint8Array())
  const fields = parsed?.ok ? parsed.document.fields : {}
  const text = (name: string) => (typeof fields[name] === 'string' && fields[name] !== '' ? fields[name] : null)
  const run = entry.state === 'active' ? runOf(view.snapshot, entry) : null
  return {
    incident_id: entry.id,
    state: entry.state,
    title: entry.title,
    severity: text('severity'),
    failure_class: text('failure_class'),
    source_plane: text('source_plane'),
    source_stage: text('source_stage'),
    source_task_id: text('source_task_id'),
    source_spec_id: text('source_spec_id'),
    root_spec_id: entry.effectiveRoot,
    opened_at: entry.createdAt,
    opened_by: text('opened_by'),
    trigger_reason: text('trigger_reason'),
    summary: text('summary'),
    related_run_ids: Array.isArray(fields.related_run_ids) ? fields.related_run_ids : [],
    run_id: run?.run_id ?? null,
    path: place?.path ?? places.at(itemFolder('incident', entry.state)),
  }
}

/** Documents that cannot be read: those still in a queue folder, and those put aside in it. */
function unreadableOf(view: View, files: Files, places: Places): IncidentsLsOutput['unreadable'] {
  const inQueue = view.items
    .invalid()
    .filter(({ kind }) => kind === 'incident')
    .map(({ state, file, faults }) => ({
      path: places.at(`${itemFolder('incident', state)}/${file}`),
      state,
      set_aside: false,
      faults,
    }))
  const folder = itemFolder('incident', 'queued')
  const aside = (files.list(places.at(folder)) ?? [])
    .filter((name) => SET_ASIDE.test(name))
    .sort()
    .map((name) => {
      const path = places.at(`${folder}/${name}`)
      const parsed = parseDocumentBytes(
        'incident',
        files.stat(path)?.kind === 'file' ? files.read(path)! : new Uint8Array(),
      )
      return {
        path,
        state: 'queued' as const,
        set_aside: true,
        faults: parsed.ok ? [] : parsed.faults.map(({ message }) => message),
      }
    })
  return [...inQueue, ...aside]
}

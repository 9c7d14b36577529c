/**
 * What must hold of a workspace: at any moment, however the runtime died, and once the work is done. Each check gives
 * what does not hold, as sentences; nothing is repaired.
 */
import * as path from 'node:path'
import type { Files } from '../core/files.ts'
import { ITEM_KINDS, type ItemState } from '../core/item.ts'
import type { View } from '../core/view.ts'
import { readText } from '../store/files.ts'
import { AT, type Places } from '../store/layout.ts'
import { pendingRecord } from '../store/pending.ts'
import type { Story } from './story.ts'

const STATES: readonly ItemState[] = ['queued', 'active', 'done', 'blocked', 'cancelled', 'quarantined']

/** `[kind id, state]` of every item. */
const everyItem = (view: View): [string, ItemState][] =>
  ITEM_KINDS.flatMap((kind) =>
    STATES.flatMap((state) =>
      view.items.inState(kind, state).map((item): [string, ItemState] => [`${kind} ${item.id}`, state]),
    ),
  )

/** Holds with the runtime dead at any point, read the way every surface reads. */
export function brokenAtAnyMoment(view: View, files: Files, places: Places, story: Pick<Story, 'hasHands'>): string[] {
  const broken: string[] = []
  const seen = new Map<string, ItemState>()
  for (const [item, state] of everyItem(view)) {
    const other = seen.get(item)
    if (other !== undefined && !story.hasHands) broken.push(`${item} is ${state} and also ${other}`)
    seen.set(item, state)
  }
  for (const run of view.snapshot.active_runs) {
    const state = run.work_item_id === null ? 'active' : seen.get(`${run.work_item_kind} ${run.work_item_id}`)
    if (state !== 'active' && !story.hasHands) broken.push(`the item of ${run.run_id} is ${state ?? 'nowhere'}`)
  }
  for (const id of twice(completed(files, places))) broken.push(`the result of ${id} was applied twice`)
  for (const id of twice(counted(files, places))) broken.push(`what ${id} used was counted twice`)
  return broken
}

/** Holds once nothing is left to do. `commands`: ids of commands that were acknowledged. */
export function brokenAtTheEnd(
  view: View,
  files: Files,
  places: Places,
  story: Story,
  commands: readonly string[],
): string[] {
  return [
    ...brokenAtAnyMoment(view, files, places, story),
    ...wrongEnds(view, story),
    ...wrongResults(files, places, story),
    ...wrongCommands(files, places, commands),
    ...leftOvers(view, files, places),
    ...(story.also?.(files) ?? []),
  ]
}

function wrongEnds(view: View, story: Story): string[] {
  const expected = new Map(Object.entries(story.ends))
  const broken: string[] = []
  for (const [item, state] of everyItem(view)) {
    const name = [...expected.keys()].find((end) =>
      end.endsWith('*') ? item.startsWith(end.slice(0, -1)) : item === end,
    )
    if (name === undefined) broken.push(`${item} is ${state}, of which nothing was expected`)
    else if (expected.get(name) !== state) broken.push(`${item} is ${state}, not ${expected.get(name)}`)
    if (name !== undefined) expected.delete(name)
  }
  return [...broken, ...[...expected].map(([item, state]) => `${item} is not there; it should be ${state}`)]
}

interface StageResult {
  request_id: string
  terminal_result: string
  metadata: Record<string, unknown>
  token_usage: unknown
}

/** Each stage has one result, told by one event and one line of its run's history; none ran again once it had one. */
function wrongResults(files: Files, places: Places, story: Story): string[] {
  const broken: string[] = []
  const results: StageResult[] = []
  for (const run of files.list(places.at(AT.runs)) ?? []) {
    const folder = places.at(`${AT.runs}/${run}/stage_results`)
    const here = (files.list(folder) ?? [])
      .filter((name) => name.endsWith('.json'))
      .map((name) => ({
        ...(JSON.parse(readText(files, path.join(folder, name))!) as StageResult),
        request_id: name.replace(/\.json$/, ''),
      }))
      // Failures of the surroundings are put off, not settled.
      .filter((result) => !String(result.metadata.failure_class).startsWith('environment_'))
    results.push(...here)
    const history = records(files, places.at(`${AT.runs}/${run}/transition_history.jsonl`)).length
    if (history !== here.length) broken.push(`${run} has ${here.length} results and ${history} lines of history`)
  }
  const outcomes = results.map((result) => result.terminal_result)
  if (outcomes.toSorted().join() !== story.outcomes.toSorted().join())
    broken.push(`the stages reported ${outcomes.join(', ')}, not ${story.outcomes.join(', ')}`)
  const told = completed(files, places)
  const ids = results.map((result) => result.request_id)
  // A stage that a person did not allow has used nothing.
  const used = results.filter((result) => result.token_usage !== null).map((result) => result.request_id)
  if (told.toSorted().join() !== ids.toSorted().join())
    broken.push(`the events tell of ${told.length} results, of which there are ${ids.length}`)
  const ledger = counted(files, places)
  for (const id of used) if (!ledger.includes(id)) broken.push(`what ${id} used is missing from the ledger`)
  return broken
}

/** Each command was carried out, or refused, once. */
function wrongCommands(files: Files, places: Places, commands: readonly string[]): string[] {
  const broken: string[] = []
  const waiting = (files.list(places.at(AT.incoming)) ?? []).filter((name) => name.endsWith('.json'))
  if (waiting.length > 0) broken.push(`still in the mailbox: ${waiting.join(', ')}`)
  const archived = [AT.processed, AT.failed].flatMap((folder) => files.list(places.at(folder)) ?? [])
  for (const id of commands)
    if (!archived.some((name) => name.includes(id))) broken.push(`the command ${id} was acknowledged and is lost`)
  const told = eventsIn(files, places).filter(
    (event) => event.event_type === 'mailbox_command_applied' || event.event_type === 'mailbox_command_failed',
  )
  if (told.length !== archived.length)
    broken.push(`${archived.length} commands are archived, ${told.length} were told to be carried out`)
  return broken
}

function leftOvers(view: View, files: Files, places: Places): string[] {
  const broken: string[] = []
  if (view.snapshot.active_runs.length > 0) broken.push('a run is still active')
  if (pendingRecord(files, places) !== null) broken.push('a transaction is still pending')
  const walk = (folder: string) => {
    for (const name of files.list(folder) ?? []) {
      const file = path.join(folder, name)
      if (name.includes('.conflict-')) broken.push(`bytes of others were kept where nobody was: ${file}`)
      if (files.stat(file)?.kind === 'directory') walk(file)
    }
  }
  walk(places.runtime)
  return broken
}

export interface Told {
  event_type: string
  data: Record<string, unknown>
}

/** Every event, those of logs put aside too. */
export function eventsIn(files: Files, places: Places): Told[] {
  return (files.list(places.at(AT.logs)) ?? [])
    .filter((name) => name.startsWith('runtime_events'))
    .flatMap((name) => records(files, places.at(`${AT.logs}/${name}`)) as unknown as Told[])
}

const completed = (files: Files, places: Places): string[] =>
  eventsIn(files, places)
    .filter((event) => event.event_type === 'stage_completed')
    .map((event) => String(event.data.request_id))

/** Stage runs in the usage ledger, parts put aside too; as it is, not as its reader makes it. */
const counted = (files: Files, places: Places): string[] =>
  (files.list(path.dirname(places.at(AT.usageLedger))) ?? [])
    .filter((name) => name.startsWith('usage_governance_ledger'))
    .flatMap((name) => records(files, path.join(path.dirname(places.at(AT.usageLedger)), name)))
    .map((line) => String(line.request_id))

/** The objects of a JSON-lines file; a line torn by a crash, which the journal mends, is passed over. */
function records(files: Files, file: string): Record<string, unknown>[] {
  return (readText(files, file) ?? '').split('\n').flatMap((line) => {
    try {
      return line === '' ? [] : [JSON.parse(line) as Record<string, unknown>]
    } catch {
      return []
    }
  })
}

const twice = (ids: readonly string[]): string[] => ids.filter((id, at) => ids.indexOf(id) !== at)

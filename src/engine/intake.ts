/**
 * Intake: what came from outside since the last tick: commands, ideas, and what people did to the folders by hand.
 * Each difference is settled in one transaction with its event; nothing of a person's is overwritten or deleted.
 */
import * as path from 'node:path'
import { type Change, Draft } from '../core/changes.ts'
import { listField, parseDocument, renderDocument } from '../core/document.ts'
import { MillraceError } from '../core/errors.ts'
import { ideaSpecId, ideaToSpec } from '../core/idea.ts'
import { ITEM_KINDS, type ItemEntry } from '../core/item.ts'
import { type ActiveRun, runOf } from '../core/state.ts'
import type { View } from '../core/view.ts'
import { isIgnoredName, isWatched } from '../core/watch-config.ts'
import { type FileStat, hashBytes, readText } from '../store/files.ts'
import { QUIET_MS } from '../store/items.ts'
import { AT, itemFolder } from '../store/layout.ts'
import { drainMailbox } from './commands.ts'
import { takeConfig } from './config-watch.ts'
import { cancelled, isItemPresent, requeueRecord, withdrawn } from './ending.ts'
import { type Engine, sentenceOf } from './engine.ts'
import { holdRun } from './hold.ts'
import { heedStopFiles } from './stop-files.ts'

/** Gives how many things were taken in. */
export async function intake(engine: Engine): Promise<number> {
  const commands = await drainMailbox({
    workspace: engine.workspace,
    commands: engine.ports.commands,
    live: true,
    hex: (digits) => engine.clock.hex(digits),
    compile: () => engine.compile(),
    commit: (changes) => engine.commit(changes),
    pause: (ms) => new Promise<void>((resolve) => engine.clock.after(ms, resolve)),
    use: (fresh) => engine.use(fresh),
  })
  const config = await takeConfig(engine)
  const stops = await heedStopFiles(engine)
  const ended = await endRuns(engine)
  engine.ideasUnsettled = false
  const ideas = await takeIdeas(engine)
  const orphans = await requeueOrphans(engine)
  const aside = await setMalformedAside(engine)
  await rotateLogs(engine)
  return commands + config + stops + ended + ideas + orphans + aside
}

/** A log is put aside beyond this size; readers of the live name see a short file again. */
const LOG_BYTES_MAX = 32 * 1024 * 1024

async function rotateLogs(engine: Engine): Promise<void> {
  for (const path of [AT.events, AT.usageLedger]) {
    const bytes = engine.ports.files.stat(engine.workspace.places.at(path))?.bytes ?? 0
    if (bytes > LOG_BYTES_MAX) await engine.commit([{ change: 'log.rotate', path }])
  }
}

/** Runs an operator wants ended, and runs whose item a person moved away. */
async function endRuns(engine: Engine): Promise<number> {
  let ended = 0
  const runs = engine.workspace.view().snapshot.active_runs
  for (const runId of engine.missingSinceMs.keys())
    if (!runs.some((run) => run.run_id === runId)) engine.missingSinceMs.delete(runId)
  for (const run of runs) {
    const lane = run.request_id === null ? undefined : engine.lanes.get(run.request_id)
    if (run.cancel_requested) {
      if (lane) {
        if (lane.stop === 'none') lane.stop = 'cancel'
        void lane.end('cancelled')
      } else if (!engine.finished.some((finished) => finished.request.request_id === run.request_id)) {
        ended += await endOrHold(engine, run, cancelled(engine.workspace.view(), run, run.cancel_requested))
      }
      continue
    }
    if (isItemPresent(engine, run)) {
      engine.missingSinceMs.delete(run.run_id)
      continue
    }
    if (lane) {
      if (!hasLeft(engine, run.run_id)) continue
      // The run keeps its lane until nothing of its agent is left that could still edit.
      lane.stop = 'withdraw'
      void lane.end('cancelled')
    } else if (!engine.finished.some((finished) => finished.request.request_id === run.request_id)) {
      await engine.commit(withdrawn(engine.workspace.view(), run))
      ended += 1
    }
  }
  return ended
}

/** A run whose item cannot go where it must is held with the reason, and ended as soon as it can; gives how many ended. */
async function endOrHold(engine: Engine, run: ActiveRun, changes: readonly Change[]): Promise<number> {
  try {
    await engine.commit(changes)
    return 1
  } catch (error) {
    if (!MillraceError.is(error) || error.code !== 'conflict') throw error
    if (run.status !== 'held') await holdRun(engine, run, sentenceOf(error))
    return 0
  }
}

/** An editor may take a file away for a moment while it saves: it has left once it was missing for a while. */
function hasLeft(engine: Engine, runId: string): boolean {
  const nowMs = engine.clock.monotonicMs()
  const sinceMs = engine.missingSinceMs.get(runId) ?? nowMs
  engine.missingSinceMs.set(runId, sinceMs)
  return nowMs - sinceMs >= QUIET_MS
}

/** Items in an active folder that no run owns go back to their queue, one at a time. */
async function requeueOrphans(engine: Engine): Promise<number> {
  const { items } = engine.workspace.view()
  for (const kind of ITEM_KINDS) {
    for (const item of [...items.inState(kind, 'active')]) {
      const view = engine.workspace.view()
      if (runOf(view.snapshot, item) !== null) continue
      const draft = new Draft(view)
      const read = view.read(kind, item.id, 'active')
      const places = view.items.find(kind, item.id)
      const isTwice = places.some((place) => place.state === 'queued')
      if (isTwice) {
        draft.announce('work_item_duplicate', `${kind}:${item.id}`, places.map((place) => place.state).join(','), {
          work_item_kind: kind,
          work_item_id: item.id,
          states: places.map((place) => place.state),
        })
      } else if (read) {
        draft.add(
          { change: 'item.move', kind, id: item.id, from: 'active', to: 'queued', hash: read.hash },
          ...requeueRecord(kind, item.id, 'no run owns it', view.now),
        )
      }
      if ((await committed(engine, draft)) && read && !isTwice) return 1
    }
  }
  return 0
}

/** Commits, and lets a person's edit in between simply wait for the next tick; false if it has to. */
async function committed(engine: Engine, draft: Draft): Promise<boolean> {
  try {
    await engine.commit(draft.finish())
    return true
  } catch (error) {
    if (!MillraceError.is(error) || (error.code !== 'conflict' && error.code !== 'item_exists')) throw error
    return false
  }
}

/** Documents of queue folders that cannot be read: renamed beside themselves, with findings. */
async function setMalformedAside(engine: Engine): Promise<number> {
  const { files, clock } = engine.ports
  let aside = 0
  for (const { kind, state, file, plain, faults } of engine.workspace.index.invalid()) {
    const at = path.join(engine.workspace.places.at(itemFolder(kind, state)), file)
    const draft = new Draft(engine.workspace.view())
    const told = { work_item_kind: kind, state, file, findings: faults.slice(0, 20), at: clock.now().toISOString() }
    const bytes = state === 'queued' && plain ? files.read(at) : null
    if (bytes === null) {
      const { at: _, ...standing } = told
      draft.announce('work_item_invalid', `${kind}/${state}/${file}`, faults.join('\n'), standing)
    } else {
      draft.add({ change: 'item.set_aside', kind, state, file, hash: hashBytes(bytes), findings: faults })
      draft.event('work_item_invalid', told)
    }
    if ((await committed(engine, draft)) && bytes !== null) aside += 1
  }
  return aside
}

const IDEA_BYTES_MAX = 1024 * 1024
const IDEAS_PER_TICK_MAX = 50

/** Ideas of the inbox that no spec represents yet become specs, once (spec 01 §2.10). The file stays where it is. */
async function takeIdeas(engine: Engine): Promise<number> {
  const { clock } = engine.ports
  // A spec that is just arriving may be the one that represents the idea: such a tick decides nothing about ideas.
  engine.workspace.index.refresh()
  engine.workspace.index.inState('spec', 'queued')
  if (engine.workspace.index.unsettled) return 0
  let taken = 0
  for (const { name, file, stat, look } of unseenIdeas(engine)) {
    if (taken >= IDEAS_PER_TICK_MAX) break
    const view = engine.workspace.view()
    const age = clock.now().getTime() - stat.mtimeMs
    if (Math.abs(age) < engine.config.watchers.debounce_ms) {
      engine.ideasUnsettled = true // may still be being written
      continue
    }
    const draft = new Draft(view)
    draft.snapshot.seen_ideas = { ...view.snapshot.seen_ideas, [name]: look }
    const skipped = takeIdea(draft, view, engine, file, name, stat.kind === 'file' && stat.bytes <= IDEA_BYTES_MAX)
    if (skipped) draft.event('idea_normalization_skipped', { idea_path: `ideas/inbox/${name}`, reason: skipped })
    if ((await committed(engine, draft)) && !skipped) taken += 1
  }
  return taken
}

interface UnseenIdea {
  name: string
  file: string
  stat: FileStat
  /** Size and mtime, as `seen_ideas` keeps them. */
  look: string
}

/** Files of the inbox that are new, or changed since they were looked at, by name. Empty where the inbox is not watched. */
export function unseenIdeas(engine: Engine): UnseenIdea[] {
  const { files } = engine.ports
  if (!isWatched(engine.config.watchers, 'ideas_inbox')) return []
  const inbox = path.join(engine.options.workspaceRoot, 'ideas', 'inbox')
  const names = (files.list(inbox) ?? []).filter((name) => name.endsWith('.md') && !isIgnoredName(name)).sort()
  if (names.length === 0) return []
  const seen = engine.workspace.view().snapshot.seen_ideas
  return names.flatMap((name) => {
    const file = path.join(inbox, name)
    const stat = files.stat(file)
    if (stat === null || stat.kind === 'directory') return []
    const look = `${stat.bytes}-${stat.mtimeNs}`
    return seen[name] === look ? [] : [{ name, file, stat, look }]
  })
}

/** Adds the spec of an idea to the draft; gives why not, if it is represented already or cannot be read. */
function takeIdea(
  draft: Draft,
  view: View,
  engine: Engine,
  file: string,
  name: string,
  readable: boolean,
): string | null {
  const reference = `ideas/inbox/${name}`
  const id = ideaSpecId(name)
  if (!readable) return 'not a plain file of at most 1 MiB'
  let text: string | null
  try {
    text = readText(engine.ports.files, file)
  } catch {
    return 'not UTF-8 text'
  }
  if (text === null || text.trim() === '') return 'empty'
  if (isRepresented(view, id, reference)) return 'already_represented'
  const spec = ideaToSpec(name, text, view.now, reference)
  draft.add(
    { change: 'document.put', path: `intake/ideas/${id}.md`, text, once: true },
    { change: 'item.add', kind: 'spec', id: spec.id, state: 'queued', text: renderDocument(spec) },
  )
  draft.event('idea_normalized_to_spec', {
    idea_path: reference,
    spec_id: spec.id,
    source_artifact: `millrace-agents/intake/ideas/${id}.md`,
  })
  return null
}

function isRepresented(view: View, id: string, reference: string): boolean {
  const stem = path.basename(reference, '.md')
  const specs = (['queued', 'active', 'done', 'blocked'] as const).flatMap((state) => view.items.inState('spec', state))
  return specs.some(
    (spec: ItemEntry) =>
      spec.id === id ||
      spec.rootIdeaId === id ||
      spec.rootIdeaId === stem ||
      referencesOf(view, spec).includes(reference),
  )
}

function referencesOf(view: View, spec: ItemEntry): readonly string[] {
  const read = view.read('spec', spec.id, spec.state)
  const parsed = read === null ? null : parseDocument('spec', read.text)
  return parsed?.ok ? listField(parsed.document, 'references') : []
}

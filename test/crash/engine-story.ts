/**
 * Stories of the whole engine, crashed everywhere. The stages happen in this process, through the same files port, so
 * that the process may die between any two operations; later incarnations take what is left to its end. What must hold
 * is the same for every story: each item in exactly one place, one result a request, the road taken as in peace.
 */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { expect } from 'vitest'
import type { Files } from '../../src/core/files.ts'
import { ITEM_KINDS } from '../../src/core/item.ts'
import type { StageResult } from '../../src/core/result.ts'
import { systemClock } from '../../src/engine/clock.ts'
import { disk } from '../../src/store/files.ts'
import { initWorkspace } from '../../src/store/init.ts'
import { placesOf } from '../../src/store/layout.ts'
import { readWorkspace } from '../../src/store/workspace.ts'
import { type CrashOptions, type CrashReport, crashEverywhere } from '../rig/crash.ts'
import { Incarnations } from '../rig/incarnations.ts'
import { instantRunner, type Script } from '../rig/instant-runner.ts'
import { PACKAGE_ROOT, Rig } from '../rig/runtime.ts'

export interface EngineStory {
  /** What lies there before the runtime starts. */
  begin: (rig: Rig) => void | Promise<void>
  /** What each stage reports. */
  script: Script
  /** Where every item must lie in the end: `<kind> <id>` to state. Items with generated ids are given by their start and `*`. */
  ends: Record<string, string>
  /** Outcomes of every stage, in order of completion, as in a run that nothing happens to. */
  outcomes: string[]
  /** More that must hold at the end. */
  also?: (rig: Rig) => void
}

/** A success for every stage, by the request's own table; `special` overrides by stage and attempt. */
export function succeeding(special: Record<string, string[]> = {}): Script {
  return (request, attempt) =>
    special[request.stage_kind_id]?.[attempt - 1] ??
    Object.entries(request.allowed_result_classes_by_outcome).find(([, classes]) => classes[0] === 'success')![0]
}

export async function crashStory(story: EngineStory, options: CrashOptions = {}): Promise<CrashReport> {
  const work = async (files: Files, root: string) => {
    const rig = new Rig(root, {
      files,
      processes: incarnations.next(),
      runners: () => new Map([['scripted', instantRunner(files, story.script)]]),
    })
    await rig.work()
  }
  const incarnations = new Incarnations()
  return crashEverywhere(
    {
      async prepare(root) {
        await initWorkspace(disk, systemClock, placesOf(root), { packageRoot: PACKAGE_ROOT, version: '0.0.0-test' })
        const rig = new Rig(root)
        rig.mode({})
        rig.config()
        await story.begin(rig)
      },
      run: work,
      finish: async (_files, root) => {
        rest(root)
        await work(unflushed, root)
      },
      check: (root, { finished, happened }) => {
        atAnyMoment(root)
        if (finished || !happened) atTheEnd(root, story)
      },
    },
    { base: unflushed, ...options },
  )
}

/** A process that stops loses nothing it has written, so nothing needs to reach the device: the stories run much faster. */
const unflushed: Files = { ...disk, flush: async () => {} }

/** Time passes: what the dead process wrote is old enough to be taken for whole at once. */
function rest(root: string): void {
  const past = new Date(Date.now() - 60_000)
  for (const name of fs.readdirSync(path.join(root, 'millrace-agents'), { recursive: true }) as string[]) {
    if (name.endsWith('.md')) fs.utimesSync(path.join(root, 'millrace-agents', name), past, past)
  }
}

const ports = () => ({ files: disk, clock: systemClock, processes: new Incarnations().next() })

function resultsOf(root: string): StageResult[] {
  const runs = path.join(root, 'millrace-agents', 'runs')
  if (!fs.existsSync(runs)) return []
  return fs.readdirSync(runs).flatMap((run) => {
    const folder = path.join(runs, run, 'stage_results')
    return fs.existsSync(folder)
      ? fs
          .readdirSync(folder)
          .filter((name) => name.endsWith('.json'))
          .map((name) => JSON.parse(fs.readFileSync(path.join(folder, name), 'utf8')) as StageResult)
      : []
  })
}

function events(root: string): { event_type: string; data: Record<string, unknown> }[] {
  const file = path.join(root, 'millrace-agents/logs/runtime_events.jsonl')
  if (!fs.existsSync(file)) return []
  return fs
    .readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .flatMap((line) => {
      try {
        return [JSON.parse(line)]
      } catch {
        return [] // torn by the crash; the journal mends it
      }
    })
}

/** Holds with the process dead at any point, read the way every surface reads. */
function atAnyMoment(root: string): void {
  readWorkspace(ports(), root, (view) => {
    for (const kind of ITEM_KINDS) {
      const seen = new Map<string, string>()
      for (const state of ['queued', 'active', 'done', 'blocked'] as const) {
        for (const item of view.items.inState(kind, state)) {
          expect(seen.get(item.id), `${kind} ${item.id} is ${state} and also`).toBeUndefined()
          seen.set(item.id, state)
        }
      }
    }
    for (const run of view.snapshot.active_runs) {
      if (run.work_item_id !== null)
        expect(
          view.items.find(run.work_item_kind as 'task', run.work_item_id).map((place) => place.state),
          `the item of ${run.run_id}`,
        ).toEqual(['active'])
    }
  })
  const applied = events(root)
    .filter((event) => event.event_type === 'stage_completed')
    .map((event) => event.data.request_id)
  expect(new Set(applied).size, 'a result was applied twice').toBe(applied.length)
}

function atTheEnd(root: string, story: EngineStory): void {
  readWorkspace(ports(), root, (view) => {
    const found = ITEM_KINDS.flatMap((kind) =>
      (['queued', 'active', 'done', 'blocked'] as const).flatMap((state) =>
        view.items.inState(kind, state).map((item) => [`${kind} ${item.id}`, state] as const),
      ),
    )
    const named = found.map(([name, state]) => [
      Object.keys(story.ends).find((end) => (end.endsWith('*') ? name.startsWith(end.slice(0, -1)) : name === end)) ??
        name,
      state,
    ])
    expect(Object.fromEntries(named)).toEqual(story.ends)
    expect(named.length, 'an item lies in two places').toBe(Object.keys(story.ends).length)
    expect(view.snapshot.active_runs).toEqual([])
  })
  const outcomes = resultsOf(root).map((result) => result.terminal_result)
  expect([...outcomes].sort()).toEqual([...story.outcomes].sort())
  expect(fs.existsSync(path.join(root, 'millrace-agents/state/journal.json')), 'a record is still pending').toBe(false)
  story.also?.(new Rig(root))
}

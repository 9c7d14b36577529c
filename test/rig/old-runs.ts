/**
 * Thousands of old runs in a workspace, made from one real run: its folder, as the engine left it, under other ids, ages
 * and sizes. What is to be known of each is given back, so that a test can work out by itself what has to become of it.
 */
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import * as path from 'node:path'
import { newDocument, renderDocument } from '../../src/core/document.ts'
import { type Rig, task } from './runtime.ts'

const DAY_MS = 86_400_000

/** State folder of the item's document; null: there is none any more. */
export type Work = 'done' | 'blocked' | 'queue' | 'quarantine' | null

export interface OldRun {
  id: string
  item: string
  work: Work
  plan: string
  ageDays: number
  bytes: number
  /** Root spec of its item. */
  root: string | null
  /** Its last stage left no result; of the tree from before it this became. */
  rescue: 'none' | 'open' | 'restored'
  foreign: boolean
  /** A queued task names it. */
  isNamed: boolean
}

export interface Wanted extends Omit<OldRun, 'id' | 'bytes'> {
  /** Bytes of output beside its records. */
  outputBytes: number
}

/** Writes runs as wanted, with their documents, plans and kept trees. The rig has worked one task, whose run is the model. */
export function makeOldRuns(rig: Rig, model: string, wanted: readonly Wanted[], now: Date): OldRun[] {
  const files = recordsOf(rig, model)
  const [plan] = rig.list('state', 'plans')
  for (const other of new Set(wanted.map((one) => one.plan))) copyPlan(rig, plan!, other)
  const item = String(rig.log('stage_started').find((data) => data.run_id === model)!.work_item_id)
  const made = wanted.map((one, index) => {
    const { outputBytes, ...known } = one
    const id = `run-${index.toString(16).padStart(32, '0')}`
    // Request ids are `request-` and 32 digits: those of each run begin with its number.
    const renamed = (text: string) =>
      text
        .replaceAll(model, id)
        .replaceAll(
          /request-[0-9a-f]{32}/g,
          (request) => `request-${index.toString(16).padStart(8, '0')}${request.slice(16)}`,
        )
        .replaceAll(plan!, one.plan)
        .replaceAll(`"${item}"`, `"${one.item}"`)
        .replaceAll(`/${item}.md`, `/${one.item}.md`)
    const folder = rig.at('runs', id)
    let bytes = 0
    const write = (name: string, text: string) => {
      const file = path.join(folder, name)
      fs.mkdirSync(path.dirname(file), { recursive: true })
      fs.writeFileSync(file, text)
      const at = new Date(now.getTime() - one.ageDays * DAY_MS)
      fs.utimesSync(file, at, at)
      bytes += Buffer.byteLength(text)
    }
    const results = files.filter(({ name }) => name.startsWith('stage_results/')).map(({ name }) => name)
    const left = one.rescue === 'none' ? files : files.filter(({ name }) => name !== results.at(-1))
    for (const { name, text } of left) write(renamed(name), renamed(text))
    write('runner_events.request-1.jsonl', 'x'.repeat(outputBytes))
    if (one.foreign) write('notes of mine.txt', 'not to be lost\n')
    return { ...known, id, bytes }
  })
  const items = new Map(made.map((one) => [one.item, one]))
  for (const { item: id, work, root } of items.values())
    if (work !== null) rig.addTask(id, { ...(root === null ? {} : { root_spec_id: root, spec_id: root }) }, work)
  for (const { id } of made.filter((one) => one.isNamed))
    rig.place(
      `tasks/queue/after-${id}.md`,
      renderDocument(
        newDocument('task', {
          ...task(`after-${id}`),
          references: [`see millrace-agents/runs/${id}.`],
          depends_on: ['never'],
        }),
      ),
    )
  keepTrees(rig, made, files, now)
  return made
}

/** The records of its last stage, and those of the run as a whole: as little as a run can be told by. */
function recordsOf(rig: Rig, run: string): { name: string; text: string }[] {
  const last = String(rig.log('stage_started').findLast((data) => data.run_id === run)!.request_id)
  const names = [
    `stage_requests/${last}.json`,
    `stage_results/${last}.json`,
    'transition_history.jsonl',
    'resolved_snapshot.json',
  ]
  return names.map((name) => ({ name, text: rig.read('runs', run, name) }))
}

function copyPlan(rig: Rig, plan: string, other: string): void {
  if (rig.exists('state', 'plans', other)) return
  fs.cpSync(rig.at('state', 'plans', plan), rig.at('state', 'plans', other), { recursive: true })
  const file = rig.at('state', 'plans', other, 'plan.json')
  fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replaceAll(plan, other))
}

export const refOf = (id: string): string => `refs/millrace/rescue/${id}/${lastRequest(id)}`

const lastRequests = new Map<string, string>()
const lastRequest = (id: string): string => lastRequests.get(id) ?? 'none'

/** A tree from before the last stage of each run with a rescue, and one from before the restore where there was one. */
function keepTrees(rig: Rig, runs: readonly OldRun[], files: readonly { name: string }[], now: Date): void {
  const git = (args: string[], input = '') =>
    execFileSync('git', args, { cwd: rig.root, input, stdio: ['pipe', 'pipe', 'ignore'] })
  git(['init', '-q'])
  const [request = ''] = files
    .filter(({ name }) => name.startsWith('stage_results/'))
    .map(({ name }) => name.slice(14, -5))
    .slice(-1)
  const commits = runs.flatMap((run, index) => {
    if (run.rescue === 'none') return []
    const own = `request-${index.toString(16).padStart(8, '0')}${request.slice(16)}`
    lastRequests.set(run.id, own)
    const kept = new Date(now.getTime() - run.ageDays * DAY_MS).toISOString()
    const lines = [`Millrace-Kept-At: ${kept}`, `Millrace-Workspace: ${rig.root}`]
    const of = (subject: string, more: string[]) => [subject, '', ...lines, ...more, ''].join('\n')
    const before = [
      refOf(run.id),
      of('Working tree before a stage', [`Millrace-Run: ${run.id}`, `Millrace-Request: ${own}`]),
    ]
    const restore = [
      `refs/millrace/rescue/restore/${index}`,
      of(`Working tree before a restore from ${refOf(run.id)}`, []),
    ]
    return run.rescue === 'restored' ? [before, restore] : [before]
  })
  const stream = commits.map(
    ([ref, message]) =>
      `commit ${ref}\ncommitter a <a@b> 1700000000 +0000\ndata ${Buffer.byteLength(message!)}\n${message}\n`,
  )
  git(['fast-import', '--quiet'], stream.join(''))
}

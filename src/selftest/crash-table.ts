/**
 * The crash table: a story is told once in peace on a simulated disk; then, of every moment between two operations and
 * of every state the disk may legally be in at that moment, a new process recovers the workspace, what it finds is
 * checked, and the work is carried on to its end.
 */
import type { Change } from '../core/changes.ts'
import type { ChannelName } from '../core/delivery.ts'
import type { Files } from '../core/files.ts'
import { AT, placesOf, RUNTIME_ROOT } from '../store/layout.ts'
import { readWorkspace, Workspace } from '../store/workspace.ts'
import { type DiskState, isPowerLoss, legalStates, STATE_KINDS, type StateKind } from './disk-states.ts'
import { faultyFiles, type Step } from './faulty-files.ts'
import type { Asked } from './instant-runner.ts'
import { brokenAtAnyMoment, brokenAtTheEnd } from './invariants.ts'
import { type Installation, type Life, type Machine, machine, ROOT } from './scene.ts'
import { type FolderNode, hashTree, type SimulatedDisk } from './simulated-disk.ts'
import { beginning, carryOn, type Story } from './story.ts'

/** A moment in a story: the disk right after an operation. */
export interface Moment {
  step: Step | null
  disk: SimulatedDisk
}

export interface Told {
  moments: Moment[]
  /** Ids of commands that were acknowledged before the story began. */
  commands: string[]
  flushRounds: number
  /** Kinds of change that were committed. */
  changes: ReadonlySet<Change['change']>
  /** Kinds of deliveries that were carried out. */
  channels: ReadonlySet<ChannelName>
}

export interface Broken {
  story: string
  state: StateKind
  /** Where the crash fell: number and kind of the last operation, and what of it survived. */
  after: string
  what: string[]
}

export interface StoryReport {
  story: string
  operations: number
  flushRounds: number
  /** Crash points times legal states that were judged, by kind of state. */
  cells: Record<StateKind, number>
  /** Different disks among them, and different workspaces that recovery made of these. */
  disks: number
  recovered: number
  broken: Broken[]
}

const places = placesOf(ROOT)

/**
 * The lock tells which process it was, not what the work is; derived copies, temporary siblings and what is only still to be
 * deleted are no part of it.
 */
export const isLeftOut = (file: string): boolean =>
  file === `${RUNTIME_ROOT}/${AT.derived}` ||
  file === `${RUNTIME_ROOT}/${AT.trash}` ||
  file === `${RUNTIME_ROOT}/state/lock` ||
  file === `${RUNTIME_ROOT}/state/runtime_daemon.lock.json` ||
  /(^|\/)\.[^/]*\.(tmp-millrace|tmp)$/.test(file)

/** Ids of the commands that wait in the mailbox. */
export const postedIn = ({ disk }: Machine): string[] =>
  (disk.list(places.at(AT.incoming)) ?? [])
    .filter((name) => !name.startsWith('.'))
    .map((name) => name.replace(/\.json$/, ''))

/** What the runtimes of a story see their disk through. */
export type Through = (files: Files) => Files
const asItIs: Through = (files) => files

/** Tells a story in peace. Throws if it does not come to its own end. */
export async function tell(installation: Installation, story: Story, through: Through = asItIs): Promise<Told> {
  const before = await beginning(installation, story)
  const commands = postedIn(before)
  const moments: Moment[] = []
  const changes = new Set<Change['change']>()
  const channels = new Set<ChannelName>()
  const listener = (change: Change) => {
    changes.add(change.change)
    if (change.change === 'delivery.update' && change.to === 'done') channels.add(change.delivery.channel)
  }
  let flushRounds = 0
  let tree = before.disk.top
  await carryOn(installation, story, 1, (life) => {
    const on = machine(installation, life, 1, tree)
    tree = on.disk.top
    moments.push({ step: null, disk: on.disk.snapshot() })
    const files = faultyFiles(
      {
        done: (step) => {
          if (step.operation === 'flush') flushRounds += 1
          moments.push({ step, disk: on.disk.snapshot() })
        },
      },
      through(on.disk),
    ).files
    return { on, files, listener }
  })
  const peace = machine(installation, moments.length, 1, tree)
  const broken = brokenInTheEnd(peace, story, commands)
  if (broken.length > 0) throw new Error(`the story "${story.name}" does not come to its end: ${broken.join('; ')}`)
  return { moments, commands, flushRounds, changes, channels }
}

/** Judges every legal state at every moment of a story. `isChosen` narrows the moments down; `through` is for a disk that is not what it should be. */
export async function crashTable(
  installation: Installation,
  story: Story,
  isChosen: (moment: number) => boolean = () => true,
  through: Through = asItIs,
): Promise<StoryReport> {
  const { moments, commands, flushRounds } = await tell(installation, story, through)
  const report: StoryReport = {
    story: story.name,
    operations: moments.length,
    flushRounds,
    cells: Object.fromEntries(Object.keys(STATE_KINDS).map((kind) => [kind, 0])) as Record<StateKind, number>,
    disks: 0,
    recovered: 0,
    broken: [],
  }
  const judged = new Map<string, string[]>()
  const ended = new Map<string, string[]>()
  for (const [number, moment] of moments.entries()) {
    if (!isChosen(number)) continue
    for (const state of legalStates(moment.disk)) {
      if (story.hasHands && isPowerLoss(state.kind)) continue
      report.cells[state.kind] += 1
      const boot = isPowerLoss(state.kind) ? 2 : 1
      const key = `${boot} ${hashTree(state.tree)}`
      const known = judged.get(key)
      const broken = known ?? (await judge(installation, story, state.tree, boot, commands, ended))
      if (known === undefined) judged.set(key, broken)
      if (broken.length > 0) report.broken.push(brokenCell(story, state, number, moment, broken))
    }
  }
  report.disks = judged.size
  report.recovered = ended.size
  return report
}

export function brokenCell(story: Story, state: DiskState, number: number, { step }: Moment, what: string[]): Broken {
  const where = step === null ? 'nothing' : `${step.operation} ${step.path.slice(ROOT.length + 1)}`
  const detail = state.detail === '' ? '' : `; survived: ${state.detail}`
  return { story: story.name, state: state.kind, after: `operation ${number} (${where})${detail}`, what }
}

/** A life after the crash; far enough from those of the story that no id is given twice. */
export const LIFE_AFTER = 100

async function judge(
  installation: Installation,
  story: Story,
  tree: FolderNode,
  boot: number,
  commands: readonly string[],
  ended: Map<string, string[]>,
): Promise<string[]> {
  try {
    const found = brokenNow(machine(installation, LIFE_AFTER, boot, tree), story)
    if (found.length > 0) return found
    const on = machine(installation, LIFE_AFTER, boot, tree)
    await recover(on)
    const key = `${boot} ${hashTree(on.disk.top, isLeftOut)}`
    const known = ended.get(key)
    if (known) return known
    const broken = await end(installation, story, on.disk.top, boot, commands)
    ended.set(key, broken)
    return broken
  } catch (error) {
    return [(error as Error).message]
  }
}

/** Opens the workspace, which carries out what was pending, and closes it again. */
export async function recover(on: Life): Promise<void> {
  const onFatal = (error: Error): never => {
    throw error
  }
  const workspace = await Workspace.open(on, ROOT, { onFatal })
  await workspace.close()
}

async function end(
  installation: Installation,
  story: Story,
  tree: FolderNode,
  boot: number,
  commands: readonly string[],
): Promise<string[]> {
  const asked: Asked = { started: [], collected: [] }
  let last = tree
  const first = LIFE_AFTER + 1
  await carryOn(
    installation,
    story,
    first,
    (life) => {
      const on = machine(installation, life, boot, last)
      last = on.disk.top
      return { on, files: on.disk }
    },
    asked,
  )
  return brokenInTheEnd(machine(installation, first + LIFE_AFTER, boot, last), story, commands)
}

export const brokenNow = (on: Life, story: Story): string[] =>
  readWorkspace(on, ROOT, (view, files) => brokenAtAnyMoment(view, files, places, story)).value

export const brokenInTheEnd = (on: Life, story: Story, commands: readonly string[]): string[] =>
  readWorkspace(on, ROOT, (view, files) => brokenAtTheEnd(view, files, places, story, commands)).value

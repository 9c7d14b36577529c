/**
 * The crash table on the file system at hand: what a crash may leave is laid out in a scratch folder, and there the
 * workspace is recovered and its work carried on, with that file system's own links, renames and flushes.
 */
import * as path from 'node:path'
import type { Files } from '../core/files.ts'
import { hashBytes } from '../store/files.ts'
import { type Broken, brokenCell, brokenInTheEnd, brokenNow, LIFE_AFTER, recover, tell } from './crash-table.ts'
import { type DiskState, isPowerLoss, legalStates, STATE_KINDS, type StateKind } from './disk-states.ts'
import { type Installation, lifeOn, ROOT } from './scene.ts'
import type { FileNode, FolderNode } from './simulated-disk.ts'
import { carryOn, type Story } from './story.ts'

export interface OwnDiskReport {
  /** Moments at which the stories can be interrupted; the crashes are drawn from them. */
  crashPoints: number
  /** Crashes that were judged, by kind of state. */
  judged: Record<StateKind, number>
  broken: Broken[]
}

export interface Drawing {
  /** Crashes to judge of each kind of state. */
  ofEach: number
  /** Draws them: numbers from 0 up to 1. */
  random: () => number
  /** What files of the disk are dated by. */
  nowMs: () => number
  /** True once somebody wants it to end. */
  isOver: () => boolean
  /** Told after each crash how many were judged, and how many are to be. */
  progress: (judged: number, of: number) => void
}

/** Draws crashes from the stories and judges them in the scratch folder, which is left empty. */
export async function crashTableOnDisk(
  installation: Installation,
  stories: readonly Story[],
  scratch: string,
  drawing: Drawing,
): Promise<OwnDiskReport> {
  const kinds = Object.keys(STATE_KINDS) as StateKind[]
  const told = await Promise.all(stories.map(async (story) => ({ story, ...(await tell(installation, story)) })))
  const report: OwnDiskReport = {
    crashPoints: told.reduce((sum, { moments }) => sum + moments.length, 0),
    judged: Object.fromEntries(kinds.map((kind) => [kind, 0])) as Record<StateKind, number>,
    broken: [],
  }
  const draw = <T>(from: readonly T[]): T => from[Math.floor(drawing.random() * from.length)]!
  const all = drawing.ofEach * kinds.length
  for (let judged = 0; judged < all && !drawing.isOver(); ) {
    const kind = kinds[judged % kinds.length]!
    const { story, moments, commands } = draw(told)
    const moment = draw(moments)
    const states = story.hasHands && isPowerLoss(kind) ? [] : [...legalStates(moment.disk)]
    const fitting = states.filter((state) => state.kind === kind)
    if (fitting.length === 0) continue
    const state = draw(fitting)
    const what = await judge(installation, story, state, scratch, commands, drawing.nowMs())
    report.judged[kind] += 1
    if (what.length > 0) report.broken.push(brokenCell(story, state, moments.indexOf(moment), moment, what))
    judged += 1
    drawing.progress(judged, all)
  }
  empty(installation.disk, scratch)
  return report
}

async function judge(
  installation: Installation,
  story: Story,
  state: DiskState,
  scratch: string,
  commands: readonly string[],
  nowMs: number,
): Promise<string[]> {
  const { disk } = installation
  const folder = path.join(scratch, 'workspace')
  empty(disk, folder)
  lay(disk, state.tree, folder, new Map())
  const files = rooted(disk, folder)
  const boot = isPowerLoss(state.kind) ? 2 : 1
  const on = (life: number) => lifeOn(files, LIFE_AFTER + life, boot, nowMs)
  try {
    const found = brokenNow(on(1), story)
    if (found.length > 0) return found
    await recover(on(2))
    await carryOn(installation, story, 3, (life) => ({ on: on(life), files }))
    return brokenInTheEnd(on(4), story, commands)
  } catch (error) {
    return [(error as Error).message]
  }
}

/** The folder stands for the root of the stories. */
function rooted(files: Files, folder: string): Files {
  const there = (file: string) =>
    file === ROOT || file.startsWith(`${ROOT}/`) ? path.join(folder, file.slice(ROOT.length)) : file
  const back = (file: string | null) => (file?.startsWith(folder) ? ROOT + file.slice(folder.length) : file)
  return {
    read: (file) => files.read(there(file)),
    readRange: (file, offset, length) => files.readRange(there(file), offset, length),
    stat: (file) => files.stat(there(file)),
    list: (file) => files.list(there(file)),
    realpath: (file) => back(files.realpath(there(file))),
    freeBytes: (file) => files.freeBytes(there(file)),
    makeFolder: (file) => back(files.makeFolder(there(file))),
    write: (file, bytes, options) => files.write(there(file), bytes, options),
    append: (file, bytes) => files.append(there(file), bytes),
    truncate: (file, bytes) => files.truncate(there(file), bytes),
    rename: (from, to) => files.rename(there(from), there(to)),
    link: (from, to) => files.link(there(from), there(to)),
    unlink: (file) => files.unlink(there(file)),
    removeFolder: (file) => files.removeFolder(there(file)),
    flush: (paths) => files.flush(paths.map(there)),
    watch: (file, onChange) => files.watch(there(file), (changed) => onChange(back(changed))),
    open: (file, mode) => files.open(there(file), mode),
    close: (descriptor) => files.close(descriptor),
  }
}

/** Removes what this self-test laid out in a folder of its own. */
export function empty(files: Files, folder: string): void {
  for (const name of files.list(folder) ?? []) {
    const file = path.join(folder, name)
    if (files.stat(file)?.kind !== 'directory') files.unlink(file)
    else {
      empty(files, file)
      files.removeFolder(file)
    }
  }
}

function lay(files: Files, tree: FolderNode, folder: string, names: Map<FileNode, string>): void {
  files.makeFolder(folder)
  for (const [name, node] of tree.entries) {
    const file = path.join(folder, name)
    if (node.kind === 'folder') lay(files, node, file, names)
    else {
      const other = names.get(node)
      if (other === undefined) files.write(file, node.bytes)
      else files.link(other, file)
      names.set(node, file)
    }
  }
}

/** What a file system can do of what Millrace asks of one. */
export interface FileSystemFacts {
  /** A second name for a file, refused where there is one already: how items are moved and the lock is taken. */
  links: boolean
  /** A file renamed onto another takes its place whole. */
  renames: boolean
  /** Folders can be flushed, so that names can be made to last. */
  flushesFolders: boolean
  /** Names that differ in case alone are different names. */
  caseSensitive: boolean
  /** Milliseconds of one flushed write; the middle one of several. */
  flushMs: number
}

const FLUSHES = 9

export async function fileSystemFacts(
  files: Files,
  scratch: string,
  monotonicMs: () => number,
): Promise<FileSystemFacts> {
  const at = (name: string) => path.join(scratch, name)
  const says = (file: string) => hashBytes(files.read(at(file)) ?? '')
  const can = (what: () => void): boolean => {
    try {
      what()
      return true
    } catch {
      return false
    }
  }
  files.write(at('a'), 'a')
  files.write(at('b'), 'b')
  const links = can(() => files.link(at('a'), at('c'))) && !can(() => files.link(at('b'), at('a')))
  const renames = can(() => files.rename(at('b'), at('a'))) && says('a') === hashBytes('b')
  const flushesFolders = await files.flush([scratch]).then(
    () => true,
    () => false,
  )
  files.write(at('Case'), 'upper')
  const caseSensitive = files.stat(at('cASE')) === null
  const took: number[] = []
  for (let count = 0; count < FLUSHES; count++) {
    files.write(at('d'), String(count))
    const begun = monotonicMs()
    await files.flush([at('d')])
    took.push(monotonicMs() - begun)
  }
  empty(files, scratch)
  const flushMs = took.sort((a, b) => a - b)[FLUSHES >> 1]!
  return { links, renames, flushesFolders, caseSensitive, flushMs: Math.round(flushMs * 100) / 100 }
}

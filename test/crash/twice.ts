/** Crashes in the middle of recovery: wherever it is cut short, the next one must leave what it would have left. */
import {
  type Broken,
  brokenCell,
  isLeftOut,
  LIFE_AFTER,
  type Moment,
  recover,
  tell,
} from '../../src/selftest/crash-table.ts'
import { type DiskState, isPowerLoss, legalStates } from '../../src/selftest/disk-states.ts'
import { faultyFiles } from '../../src/selftest/faulty-files.ts'
import { type Installation, machine } from '../../src/selftest/scene.ts'
import { type FolderNode, hashTree, type SimulatedDisk } from '../../src/selftest/simulated-disk.ts'
import type { Story } from '../../src/selftest/story.ts'

/** Of a double crash: how many recoveries were cut short, and where the second one came to another end than the first. */
export interface TwiceReport {
  story: string
  /** Crashes whose recovery was cut short at each of its operations; and how many there are. */
  crashes: number
  ofCrashes: number
  /** Legal states of the disk, in the middle of recovery, that were recovered again. */
  states: number
  broken: Broken[]
}

/**
 * Cuts recovery itself short: after every operation of it, in every legal state. The second recovery must leave exactly
 * what the first would have. Takes the crashes of the story in the order `random` says, until `isOver` says so.
 */
export async function crashTwice(
  installation: Installation,
  story: Story,
  random: () => number,
  isOver: () => boolean,
): Promise<TwiceReport> {
  const { moments } = await tell(installation, story)
  const crashes = [...crashesOf(story, moments)]
  const report: TwiceReport = { story: story.name, crashes: 0, ofCrashes: crashes.length, states: 0, broken: [] }
  const again = new Map<string, string>()
  while (crashes.length > 0 && !isOver()) {
    const [{ state, boot, number, moment }] = crashes.splice(Math.floor(random() * crashes.length), 1) as [Crashed]
    const middle: SimulatedDisk[] = []
    const on = machine(installation, LIFE_AFTER, boot, state.tree)
    const files = faultyFiles({ done: () => middle.push(on.disk.snapshot()) }, on.disk).files
    await recover({ ...on, files })
    const once = hashTree(on.disk.top, isLeftOut)
    report.crashes += 1
    for (const disk of middle) {
      for (const second of legalStates(disk)) {
        const bootAgain = isPowerLoss(second.kind) ? boot + 1 : boot
        const key = `${bootAgain} ${hashTree(second.tree)}`
        const twice = again.get(key) ?? (await recovered(installation, second.tree, bootAgain))
        again.set(key, twice)
        report.states += 1
        if (twice === once) continue
        const what = [`recovery was then cut short (${second.kind}), and the next one came to another end`]
        report.broken.push(brokenCell(story, state, number, moment, what))
      }
    }
  }
  return report
}

async function recovered(installation: Installation, tree: FolderNode, boot: number): Promise<string> {
  const on = machine(installation, LIFE_AFTER + 1, boot, tree)
  await recover(on)
  return hashTree(on.disk.top, isLeftOut)
}

/** A crash of a story: a moment, and what it left of the disk. */
interface Crashed {
  state: DiskState
  boot: number
  number: number
  moment: Moment
}

/** Every crash of a story that leaves the disk another than those before. */
function* crashesOf(story: Story, moments: readonly Moment[]): Generator<Crashed> {
  const seen = new Set<string>()
  for (const [number, moment] of moments.entries()) {
    for (const state of legalStates(moment.disk)) {
      if (story.hasHands && isPowerLoss(state.kind)) continue
      const boot = isPowerLoss(state.kind) ? 2 : 1
      const key = `${boot} ${hashTree(state.tree)}`
      if (!seen.has(key)) yield { state, boot, number, moment }
      seen.add(key)
    }
  }
}

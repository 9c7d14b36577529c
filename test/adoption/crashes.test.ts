import { describe, expect, test } from 'vitest'
import { isLeftOut } from '../../src/selftest/crash-table.ts'
import { legalStates } from '../../src/selftest/disk-states.ts'
import { faultyFiles } from '../../src/selftest/faulty-files.ts'
import type { Machine } from '../../src/selftest/scene.ts'
import { type FolderNode, hashTree, type SimulatedDisk } from '../../src/selftest/simulated-disk.ts'
import { adoptionOf, applyAdoption } from '../../src/store/adopt/adopt.ts'
import { VERSIONS } from './fixtures/make.mjs'
import { claimCommands, lifeOf, oldWorkspace, PLACES, portsOf } from './machine.ts'

/** Old runs take the most time to read and are never written: a few of them are as good as forty. */
const RUNS_KEPT = 4
/** Kills are judged after every operation, lost power after every so many: between two flushes states repeat. */
const POWER_EVERY = 7

/** The next process at the same time of day: what is written then is the same. */
function nextOn(tree: FolderNode): Machine {
  return { ...lifeOf(tree, 2), clock: lifeOf(tree, 1).clock }
}

const endOf = ({ disk }: Machine): string => hashTree(disk.top, isLeftOut)

async function repeated(tree: FolderNode): Promise<string> {
  const next = nextOn(tree)
  await applyAdoption(portsOf(next, next.files), PLACES)
  expect(adoptionOf(portsOf(next, next.files), PLACES)).toBeNull()
  return endOf(next)
}

/** Every moment of adopting in peace, and the end it comes to. */
async function told(version: (typeof VERSIONS)[number]) {
  const { tree } = oldWorkspace(version, { runsMax: RUNS_KEPT })
  const on = lifeOf(tree)
  claimCommands(on)
  const moments: { after: string; disk: SimulatedDisk }[] = [{ after: 'nothing', disk: on.disk.snapshot() }]
  const done = ({ operation, path }: { operation: string; path: string }) =>
    void moments.push({ after: `${moments.length} ${operation} ${path}`, disk: on.disk.snapshot() })
  await applyAdoption(portsOf(on, faultyFiles({ done }, on.disk).files), PLACES)
  return { moments, end: endOf(on) }
}

describe.each(VERSIONS)('adopting a workspace of the Python runtime %s', (version) => {
  test('comes to the same end when it is killed after any file operation, or loses power, and is repeated', async () => {
    const { moments, end } = await told(version)
    const judged = new Map<string, string>()
    const broken: string[] = []
    let states = 0
    for (const [number, { after, disk }] of moments.entries()) {
      for (const { kind, detail, tree } of legalStates(disk)) {
        if (kind !== 'kept' && kind !== 'torn' && (kind === 'reordered' || number % POWER_EVERY !== 0)) continue
        states += 1
        const hash = hashTree(tree)
        if (!judged.has(hash)) judged.set(hash, await repeated(tree).catch((error) => String(error)))
        if (judged.get(hash) !== end) broken.push(`${kind} ${detail} after ${after}: ${judged.get(hash)}`)
      }
    }
    console.info(`${version}: ${moments.length} crash points, ${states} disk states, ${judged.size} different disks`)
    expect(broken.slice(0, 5), `${broken.length} of ${states} states come to another end`).toEqual([])
    expect(moments.length).toBeGreaterThan(100)
    expect(judged.size).toBeGreaterThan(100)
  }, 280_000)
})

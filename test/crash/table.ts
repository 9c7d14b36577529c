/** What the tests of the crash table share: the product as it lies here, and how a story's row of the table is judged. */
import * as path from 'node:path'
import { expect } from 'vitest'
import { COMMANDS } from '../../src/operations/commands/table.ts'
import { crashTable, type StoryReport } from '../../src/selftest/crash-table.ts'
import type { Installation } from '../../src/selftest/scene.ts'
import type { Story } from '../../src/selftest/story.ts'
import { disk } from '../../src/store/files.ts'
import { quickly } from '../simulate/installed.ts'

export const INSTALLATION: Installation = {
  disk: quickly(disk),
  packageRoot: path.join(import.meta.dirname, '..', '..', 'assets'),
  version: '0.0.0-test',
  commands: COMMANDS,
}

/** Judges every moment of a story in every legal state, prints how many that were, and expects none to be broken. */
export async function expectWhole(story: Story): Promise<StoryReport> {
  const report = await crashTable(INSTALLATION, story)
  const cells = Object.values(report.cells).reduce((sum, count) => sum + count, 0)
  console.info(
    `${story.name}: ${report.operations} crash points, ${cells} disk states, ${report.disks} different disks, ${report.recovered} carried on to the end`,
  )
  const first = report.broken.slice(0, 5).map(({ state, after, what }) => `${state}, ${after}: ${what.join('; ')}`)
  expect(first, `${report.broken.length} of ${cells} cells are broken`).toEqual([])
  expect(report.operations).toBeGreaterThan(50)
  expect(cells).toBeGreaterThan(story.hasHands ? report.operations : 5 * report.operations)
  expect(report.recovered).toBeGreaterThan(1)
  return report
}

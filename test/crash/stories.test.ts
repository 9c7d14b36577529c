/** The reference stories cover what they must, and the table they are told with can fail. */
import { expect, test } from 'vitest'
import type { Change } from '../../src/core/changes.ts'
import { CHANNELS } from '../../src/core/delivery.ts'
import type { Files } from '../../src/core/files.ts'
import { crashTable, tell } from '../../src/selftest/crash-table.ts'
import { STORIES } from '../../src/selftest/stories.ts'
import { INSTALLATION } from './table.ts'

/** Every kind of change; a new one without a line here does not compile, and without a story this test fails. */
const CHANGES: Record<Change['change'], true> = {
  'item.add': true,
  'item.move': true,
  'item.archive': true,
  'item.rewrite': true,
  'item.drop_copy': true,
  'item.set_aside': true,
  'block.put': true,
  'state.set': true,
  'counters.set': true,
  'order.set': true,
  'config.set': true,
  'file.put': true,
  'file.move': true,
  'status.set': true,
  'closure.put': true,
  'approval.put': true,
  'artifact.put': true,
  'document.put': true,
  'line.append': true,
  'event.append': true,
  'log.rotate': true,
  'delivery.add': true,
  'delivery.update': true,
  'delivery.forget': true,
  'path.discard': true,
  'command.discard': true,
  'command.archive': true,
}

test('every kind of change to a workspace, and of delivery, is part of a crash story', {
  timeout: 60_000,
}, async () => {
  const told = new Set<string>()
  const delivered = new Set<string>()
  for (const story of STORIES) {
    const { changes, channels } = await tell(INSTALLATION, story)
    for (const change of changes) told.add(change)
    for (const channel of channels) delivered.add(channel)
  }
  expect([...told].sort()).toEqual(Object.keys(CHANGES).sort())
  expect([...delivered].sort()).toEqual([...CHANNELS].sort())
})

const task = STORIES.find((story) => story.name === 'task')!

test('a disk that does not flush what it is told to breaks the table', { timeout: 60_000 }, async () => {
  const lying = (files: Files): Files => ({ ...files, flush: async () => {} })
  const report = await crashTable(INSTALLATION, task, (moment) => moment % 7 === 0, lying)
  expect(report.broken.length).toBeGreaterThan(20)
  expect(new Set(report.broken.map(({ state }) => state)).has('kept')).toBe(false)
})

test('a disk that renames by copying breaks the table', { timeout: 60_000 }, async () => {
  const copying = (files: Files): Files => ({
    ...files,
    rename(from, to) {
      files.write(to, files.read(from) ?? '')
      files.unlink(from)
    },
  })
  // Torn files are mended from the record of their transaction; the lock, which is taken first, has none.
  const report = await crashTable(INSTALLATION, task, (moment) => moment < 20, copying)
  expect(report.broken).not.toEqual([])
})

/** Commands of the Python mailbox that somebody had claimed and did not live to archive. */
import { expect, test } from 'vitest'
import { succeeding } from '../../src/selftest/story.ts'
import { readText } from '../../src/store/files.ts'
import { adoptOn, at, claimCommands, INCOMING, lifeOf, oldWorkspace, PROCESSED, previewOn, workOn } from './machine.ts'

function claimed() {
  const { tree } = oldWorkspace('0.16')
  const on = lifeOf(tree)
  return { on, ...claimCommands(on) }
}

const left = (names: readonly string[] | null): string[] => (names ?? []).filter((name) => name.includes('.claimed'))

test('a command nobody archived waits again under its own name; one that was carried out goes aside with its lock', async () => {
  const { on, done, open, texts } = claimed()
  const told = previewOn(on)!.steps.filter(({ path }) => path.includes('.claimed'))
  expect(told.map(({ action, path }) => `${action} ${path.replace(/^.*\//, '')}`).sort()).toEqual(
    [
      `carry_out ${open}.claimed`,
      `set_aside ${done}.claimed`,
      `set_aside ${done}.claimed.lock`,
      `set_aside ${open}.claimed.lock`,
    ].sort(),
  )
  const { keptIn } = (await adoptOn(on))!
  expect(left(on.files.list(at(INCOMING)))).toEqual([])
  expect(readText(on.files, at(`${INCOMING}/${open}`))).toBe(texts.get(open))
  expect(on.files.stat(at(`${INCOMING}/${done}`))).toBeNull()
  const kept = `millrace-agents/${keptIn}/state/mailbox/incoming`
  expect(readText(on.files, at(`${kept}/${done}.claimed`))).toBe(texts.get(done))
  expect(readText(on.files, at(`${kept}/${open}.claimed.lock`))).toBe('pid=4711\n')
})

test('it is carried out, once', async () => {
  const { on, open } = claimed()
  await adoptOn(on)
  const next = lifeOf(on.disk.top, 2)
  await workOn(next, succeeding(), { started: [], collected: [] })
  expect(next.files.stat(at(`${INCOMING}/${open}`))).toBeNull()
  expect(readText(next.files, at(`${PROCESSED}/${open}`))).toContain('"disposition": "processed"')
})

test('one whose claim was cut short, and that still has its own name, is not there twice', async () => {
  const { on, open, texts } = claimed()
  on.disk.write(at(`${INCOMING}/${open}`), texts.get(open)!)
  on.disk.flushAll()
  const { keptIn } = (await adoptOn(on))!
  expect(left(on.files.list(at(INCOMING)))).toEqual([])
  expect(readText(on.files, at(`${INCOMING}/${open}`))).toBe(texts.get(open))
  expect(readText(on.files, at(`millrace-agents/${keptIn}/state/mailbox/incoming/${open}.claimed`))).toBe(
    texts.get(open),
  )
})

/** Every known weakness has a test that carries its number, or a row in README.md that says why not. */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { expect, test } from 'vitest'

const ROOT = path.join(import.meta.dirname, '../..')
const IDS = Array.from({ length: 52 }, (_, index) => `W-${String(index + 1).padStart(2, '0')}`)
const WITHOUT_TEST_MAX = 2

/** Opening of a test or group, or of a line, then the title: those of tables stand on a line of their own. */
const TITLE = /(?:^[ \t]*|\b(?:test|it|describe)\(|\]\)\()(['"`])((?:(?!\1)[^\n])*)\1/gm

/** Numbers in the titles of each test file, by its path below the repository. */
function numbersByFile(): Map<string, Set<string>> {
  const files = ['src', 'test'].flatMap((folder) =>
    fs
      .readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.test.ts'))
      .map((name) => `${folder}/${name}`),
  )
  return new Map(
    files.map((file) => {
      const titles = [...fs.readFileSync(path.join(ROOT, file), 'utf8').matchAll(TITLE)].map((found) => found[2]!)
      return [file, new Set(titles.flatMap((title) => title.match(/\bW-\d+\b/g) ?? []))]
    }),
  )
}

const rows = [
  ...fs.readFileSync(path.join(import.meta.dirname, 'README.md'), 'utf8').matchAll(/^\| (W-\d+) \|(.*)\|$/gm),
].map(([, id, rest]) => ({
  id: id!,
  file: /`([^`]+)`/.exec(rest!)?.[1] ?? null,
  text: rest!.replaceAll('|', '').trim(),
}))

test('every weakness is in the table once, and no other', () => {
  expect(rows.map((row) => row.id).sort()).toEqual(IDS)
})

test('the file a row names has a test of that number; few rows say instead why there is none', () => {
  const numbers = numbersByFile()
  const untrue = rows.filter((row) => row.file !== null && !numbers.get(row.file)?.has(row.id))
  expect(untrue.map((row) => `${row.id}: ${row.file}`)).toEqual([])
  const without = rows.filter((row) => row.file === null)
  for (const row of without) expect(row.text, row.id).toMatch(/\w+ \w+ \w+/)
  expect(without.length).toBeLessThanOrEqual(WITHOUT_TEST_MAX)
})

test('no title carries a number that is none', () => {
  const used = new Set([...numbersByFile().values()].flatMap((numbers) => [...numbers]))
  expect([...used].filter((id) => !IDS.includes(id))).toEqual([])
})

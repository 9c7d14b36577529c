/** docs/runners.md against the program: it names every key, level, cause and flag there is, and none that there is not. */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { describe, expect, it } from 'vitest'
import { configKeys } from '../../src/core/config.ts'
import { DIAGNOSTIC_CODES } from '../../src/core/diagnostics.ts'
import { honouredLevels } from '../../src/core/permission.ts'
import { FAILURE_CAUSES, FAILURE_CLASSES } from '../../src/core/result.ts'
import { OPERATIONS } from '../../src/operations/table.ts'
import { RUNNER_NAMES } from '../../src/runners/names.ts'

const ROOT = path.join(import.meta.dirname, '../..')
const page = fs.readFileSync(path.join(ROOT, 'docs/runners.md'), 'utf8')
/** Everything set as code. */
const code = [...page.matchAll(/`([^`\n]+)`/g)].map((match) => match[1]!)

/** Rows of the tables whose first cell is code, by that. */
const rowsOf = (text: string) =>
  new Map(
    [...text.matchAll(/^\| (.+?) \|(.*)\|$/gm)].map((match) => [
      match[1]!,
      match[2]!.split('|').map((cell) => cell.trim()),
    ]),
  )

/** Text from one heading to the next. */
const chapter = (title: string) => page.split(`\n## ${title}\n`)[1]!.split('\n## ')[0]!

describe('the page on runners', () => {
  it('has a chapter for every runner that people use, and says of each how it logs in, shows and stops', () => {
    for (const runner of RUNNER_NAMES.filter((name) => name !== 'scripted')) {
      const text = chapter(`\`${runner}\``)
      expect(text, runner).toContain('*Live:*')
      expect(text, runner).toContain('*Stop:*')
      expect(text, runner).toContain('*Usage:*')
    }
  })

  it('names every key of every section, and no other', () => {
    const keys = configKeys().map(({ key }) => key)
    for (const section of ['codex', 'claude', 'pi', 'acp', 'command']) {
      const own = keys.filter((key) => key.startsWith(`runners.${section}.`)).map((key) => key.split('.')[2]!)
      const table = page.split(`| key of \`[runners.${section}]\` | |`)[1]!.split('\n\n')[0]!
      const named = table
        .split('\n')
        .flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`([a-z_]+)`/g)].map((match) => match[1]!))
      expect(named.sort(), section).toEqual([...new Set(own)].sort())
    }
    const others = code.filter((text) => /^(runners|runtime|recovery)\.[a-z_.]+$/.test(text))
    expect(others.filter((text) => !keys.includes(text))).toEqual([])
    expect(others.length).toBeGreaterThan(5)
  })

  it('gives a level for a runner exactly where the compiler takes it', () => {
    const rows = rowsOf(chapter('Permission levels'))
    for (const runner of RUNNER_NAMES) {
      const honoured = honouredLevels(runner)
      if (honoured === null) continue
      const cells = rows.get(`\`${runner}\``)!
      const given = ['basic', 'elevated', 'maximum'].filter((_, at) => cells[at] !== '–')
      expect(given, runner).toEqual(honoured)
    }
    expect(Object.keys(DIAGNOSTIC_CODES)).toContain('PERMISSION_NOT_HONOURED')
    expect(page).toContain('`PERMISSION_NOT_HONOURED`')
  })

  it('names the flags that the adapters pass', () => {
    const adapters = ['codex', 'claude', 'pi'].map((name) =>
      fs.readFileSync(path.join(ROOT, `src/runners/${name}/${name}.ts`), 'utf8'),
    )
    const flags = new Set(
      code.flatMap((text) =>
        [...text.matchAll(/--[a-z][a-z-]+|\b(?:acceptEdits|bypassPermissions)\b/gi)].map(([flag]) => flag!),
      ),
    )
    const ours = ['--json', '--since-start', '--monitor', '--acp']
    const unknown = [...flags].filter((flag) => !ours.includes(flag) && !adapters.some((text) => text.includes(flag)))
    expect(unknown).toEqual([])
    expect(flags.size).toBeGreaterThan(10)
  })

  it('names every cause of a failure, and only failure classes there are', () => {
    const rows = [...rowsOf(chapter('When something fails')).keys()]
    const named = rows.flatMap((cell) => [...cell.matchAll(/`([a-z_]+)`/g)].map((match) => match[1]!))
    expect(FAILURE_CAUSES.filter((cause) => !named.includes(cause))).toEqual([])
    const known: readonly string[] = [...FAILURE_CAUSES, ...FAILURE_CLASSES]
    expect(named.filter((name) => !known.includes(name))).toEqual([])
  })

  it('names commands that there are', () => {
    const words = code.flatMap((text) => /^millrace ([a-z]+(?: [a-z]+)?)/.exec(text)?.[1] ?? [])
    const names = OPERATIONS.map(({ name }) => name)
    const wrong = words.filter(
      (word) => !names.some((name) => name === word || name.endsWith(` ${word}`) || name.startsWith(`${word} `)),
    )
    expect(wrong).toEqual([])
    expect(words.length).toBeGreaterThan(5)
  })

  it('names shipped modes that there are, all of them', () => {
    const shipped = fs
      .readdirSync(path.join(ROOT, 'assets/modes'))
      .flatMap((name) => (name === 'aliases.json' ? [] : [path.basename(name, '.json')]))
    expect(shipped.filter((mode) => !code.includes(mode))).toEqual([])
  })
})

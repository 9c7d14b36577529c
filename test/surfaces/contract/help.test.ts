/**
 * Help: of every verb and group on record in `help/`, the same for every spelling through the real command, with
 * examples that parse. `npx vitest run -u` on this file writes the record anew.
 */
import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { groupHelp, overview } from '../../../src/cli/help.ts'
import { scan } from '../../../src/cli/options.ts'
import { nextWords, resolve, type Spelling, spellingsOf } from '../../../src/cli/spellings.ts'
import { OPERATIONS } from '../../../src/operations/table.ts'
import { startMillrace, wordsOf } from '../../rig/program.ts'
import { ALL_VERBS } from './verbs.ts'

const FOLDER = path.join(import.meta.dirname, 'help')
const fileOf = (words: string): string => path.join(FOLDER, `${words.replaceAll(' ', '-') || 'millrace'}.txt`)

const spellings = spellingsOf(OPERATIONS.map((entry) => entry.name))
/** First words of several verbs: their help lists them. */
const groups = [...new Set(ALL_VERBS.map((verb) => verb.split(' ')[0]!))].filter(
  (first) => ALL_VERBS.filter((verb) => verb.startsWith(`${first} `)).length > 0 && !ALL_VERBS.includes(first),
)
/** A word that is a verb and a group as well gives the help of the group. */
const ownHelp = (words: string): boolean => nextWords(words, spellings).length === 0 || ALL_VERBS.includes(words)

const elsewhere = fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-help-'))
afterAll(() => fs.rmSync(elsewhere, { recursive: true, force: true }))

const helpOf = async (words: string): Promise<string> => {
  const { status, stdout, stderr } = await startMillrace([...words.split(' ').filter(Boolean), '--help'], {
    cwd: elsewhere,
  }).ended
  expect({ status, stderr }, words).toEqual({ status: 0, stderr: '' })
  return stdout
}

const texts = new Map<string, Promise<string>>()
const verbHelp = (verb: string): Promise<string> => {
  if (!texts.has(verb)) texts.set(verb, helpOf(verb))
  return texts.get(verb)!
}

describe('help', () => {
  it.each(ALL_VERBS.map((verb) => [verb]))('of `millrace %s` reads as it did', async (verb) => {
    await expect(await verbHelp(verb)).toMatchFileSnapshot(fileOf(verb))
  })

  it('of the program and of every group reads as it did', async () => {
    await expect(`${overview(OPERATIONS)}\n`).toMatchFileSnapshot(fileOf(''))
    for (const group of groups) {
      await expect(`${groupHelp(group, OPERATIONS, spellings)}\n`).toMatchFileSnapshot(fileOf(group))
    }
  })

  it('of the program fits on a page of 80 columns, with what lists the others first', () => {
    const lines = overview(OPERATIONS).split('\n')
    expect(lines.length).toBeLessThanOrEqual(70)
    expect(lines.filter((line) => line.length > 80)).toEqual([])
    expect(lines.filter((line) => /, ls(,|$)/.test(line))).toEqual([])
  })

  it('is on record of what there is, and of nothing else', () => {
    const expected = [...ALL_VERBS, ...groups, ''].map((words) => path.basename(fileOf(words)))
    expect(fs.readdirSync(FOLDER).sort()).toEqual(expected.sort())
  })

  it('is the same for every spelling of a verb', { timeout: 120_000 }, async () => {
    for (const [words, { canonical }] of spellings) {
      if (words === canonical || !ownHelp(words)) continue
      expect(await helpOf(words), words).toBe(await verbHelp(canonical))
    }
  })

  it('ends with examples, each of which is a line of that verb that parses', { timeout: 120_000 }, async () => {
    for (const verb of ALL_VERBS) {
      const [, examples = ''] = (await verbHelp(verb)).split('\nExamples:\n')
      const commands = examples.split('\n').filter((line) => /^ {2}\S/.test(line))
      expect(commands.length, verb).toBeGreaterThan(0)
      for (const command of commands) {
        const scanned = scan(wordsOf(command.slice(command.lastIndexOf('millrace ') + 'millrace '.length)))
        expect(resolve(scanned.words, spellings) as Spelling, command).toMatchObject({ canonical: verb })
      }
    }
  })
})

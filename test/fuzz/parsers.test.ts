/**
 * Every parser against noise, against valid files with something done to them, and against a megabyte of the same. The
 * longer run is `node test/run.mjs parsers --seconds 3600`.
 */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { SEED } from '../rig/seed.ts'
import { REPEATED } from './generators.ts'
import { growthOf, PLACES } from './growth.ts'
import { breach } from './law.ts'
import { everyParser, type Parser } from './parsers.ts'
import { told, tried } from './property.ts'
import { REGRESSIONS } from './regressions.ts'
import { workedWorkspace } from './workspace.ts'

const RUNS = 150
const REPEATED_PER_PARSER = 3

const workspace = await workedWorkspace()
afterAll(() => workspace.dispose())
const parsers = everyParser(workspace)
const named = parsers.map((parser) => [parser.name, parser] as const)

describe('every parser', () => {
  test.each(named)('takes its examples, and any other bytes without harm: %s', async (_name, parser) => {
    for (const example of parser.examples) expect(await breach(parser, example)).toBeNull()
    const failure = await tried(parser, SEED, RUNS)
    expect(failure && told(failure)).toBeNull()
  })

  test.each(named)('takes no longer for each byte of a megabyte: %s', async (_name, parser) => {
    for (let count = 0; count < (parser.isSlow ? 1 : REPEATED_PER_PARSER); count++) {
      const unit = REPEATED[(SEED + count * 17) % REPEATED.length]!
      const place = PLACES[(SEED + count) % PLACES.length]!
      expect(await growthOf(parser, unit, place), `${JSON.stringify(unit)} repeated ${place}`).toBeNull()
    }
  })

  test.each(REGRESSIONS.map((one) => [one.was, one] as const))('never again: %s', async (_was, { parser, input }) => {
    const found = parsers.find(({ name }) => name === parser)
    expect(found, parser).toBeDefined()
    expect(await breach(found!, Buffer.from(input))).toBeNull()
  })
})

describe('the list of parsers', () => {
  /** Modules that read text by themselves, though nothing others wrote, with the reason. */
  const EXCUSED: Readonly<Record<string, string>> = {
    'core/ids.ts': 'writes only',
    'engine/git-path.ts': 'gives null for a path that is no text',
    'operations/demo.ts': 'reads an asset of the package',
    'operations/queue/add.ts': 'decodes an idea and hands it on; says so in one sentence where it is not UTF-8',
    'operations/rescue/rescue.ts': 'shows a kept file as base64 where it is not UTF-8',
    'operations/rescue/restore.ts': 'takes a handle that cannot be read for one that is not there',
    'runners/two-way/driver.ts': 'reads its own argument, which the adapters write',
    'runners/scripted/agent.ts': 'reads the request it was started with; its reply file is among the parsers',
  }
  const READS = /\bJSON\.parse\(|from 'smol-toml'|\bnew TextDecoder\(|\bcreateInterface\(|\bparseToml\(/

  test('names every module that parses', () => {
    const src = path.join(import.meta.dirname, '../../src')
    const modules = (fs.readdirSync(src, { recursive: true }) as string[])
      .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts') && !name.startsWith('selftest'))
      .map((name) => name.split(path.sep).join('/'))
    const parsing = modules.filter((name) => READS.test(fs.readFileSync(path.join(src, name), 'utf8')))
    const listed = new Set(parsers.flatMap((parser: Parser) => parser.modules))
    expect(parsing.length).toBeGreaterThan(20)
    expect(parsing.filter((name) => !listed.has(name) && !Object.hasOwn(EXCUSED, name))).toEqual([])
    expect([...listed].filter((name) => !modules.includes(name))).toEqual([])
  })

  test('has no name twice, and a valid example for each', () => {
    expect(new Set(parsers.map(({ name }) => name)).size).toBe(parsers.length)
    expect(parsers.filter(({ examples }) => examples.length === 0)).toEqual([])
  })
})

/** Holds the directions of docs/architecture.md: who may import whom, who touches disk, processes, time and chance. */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { describe, expect, test } from 'vitest'

const SRC = path.join(import.meta.dirname, '..', 'src')

/** What each layer may import, beside itself. */
const ALLOWED: Record<string, string[]> = {
  core: [],
  store: ['core'],
  runners: ['core'],
  engine: ['core', 'store', 'runners'],
  selftest: ['core', 'store', 'runners', 'engine'],
  testing: ['core', 'store', 'runners', 'engine'],
  operations: ['core', 'store', 'engine', 'selftest'],
  cli: ['core', 'operations'],
}

/** The composition root and what it is made of: these put the layers together. */
const COMPOSITION = [
  ...['millrace.ts', 'millracer.ts', 'millstone.ts', 'index.ts', 'testing.ts', 'cli/context.ts'],
  'runners/two-way/driver.ts', // a program of its own too
]
/** A program of its own that nothing imports. */
const SCRIPTED_AGENT = ['runners/scripted/agent.ts', 'runners/scripted/replies.ts', 'runners/scripted/documents.ts']

interface Source {
  name: string
  layer: string
  text: string
  imports: string[]
}

function sources(): Source[] {
  const names = (fs.readdirSync(SRC, { recursive: true }) as string[]).filter(
    (name) => name.endsWith('.ts') && !name.endsWith('.test.ts'),
  )
  return names.map((name) => {
    const text = fs.readFileSync(path.join(SRC, name), 'utf8')
    const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '')
    const imports = [...code.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map((match) => match[1]!)
    return { name, layer: name.includes('/') ? name.split('/')[0]! : '', text: code, imports }
  })
}

const all = sources()
const users = (pattern: RegExp, except: string[]) =>
  all.filter((source) => pattern.test(source.text) && !except.includes(source.name)).map((source) => source.name)

describe('the layers', () => {
  test('imports point downwards only', () => {
    const wrong = all.flatMap((source) => {
      if (COMPOSITION.includes(source.name)) return []
      const allowed = ALLOWED[source.layer]
      if (!allowed) return [`${source.name} lies on no known floor`]
      return source.imports
        .filter((target) => target.startsWith('.'))
        .map((target) => path.relative(SRC, path.resolve(SRC, path.dirname(source.name), target)).split(path.sep)[0]!)
        .filter((layer) => layer !== source.layer && !allowed.includes(layer))
        .map((layer) => `${source.name} imports ${layer}`)
    })
    expect(wrong).toEqual([])
    expect(all.length).toBeGreaterThan(60)
  })

  test('core imports nothing but its schema library and hashing', () => {
    const foreign = all
      .filter((source) => source.layer === 'core')
      .flatMap((source) =>
        source.imports
          .filter((target) => !target.startsWith('.') && target !== 'zod' && target !== 'node:crypto')
          .map((target) => `${source.name}: ${target}`),
      )
    expect(foreign).toEqual([])
  })

  test('the disk is touched in the store only', () => {
    expect(users(/'node:fs(\/promises)?'/, ['store/files.ts', 'runners/process.ts', ...SCRIPTED_AGENT])).toEqual([])
  })

  test('processes are started in one module only, which alone reads /proc', () => {
    expect(users(/'node:child_process'/, ['runners/process.ts', ...SCRIPTED_AGENT])).toEqual([])
    expect(users(/['"`]\/proc/, ['runners/process.ts'])).toEqual([])
  })

  test('time and chance come from the clock that everything receives', () => {
    expect(
      users(
        /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\bsetTimeout\(|\bsetInterval\(|\brandomBytes\(|\brandomUUID\(|\bhrtime\b/,
        ['engine/clock.ts', ...SCRIPTED_AGENT],
      ),
    ).toEqual([])
  })

  test('no file or folder has a name that tells a reader nothing', () => {
    const empty =
      /(^|[-/])(manager|helpers?|utils?|common|shared|misc|service|handler|processor|coordinator|facade|support|data|info|base|impl)([-./]|$)/
    expect(all.map((source) => source.name).filter((name) => empty.test(name))).toEqual([])
  })
})

describe('loops are data', () => {
  test('no shipped stage, outcome or loop is named in core, engine or store', () => {
    const assets = path.join(SRC, '..', 'assets')
    const json = (folder: string) =>
      (fs.readdirSync(path.join(assets, folder), { recursive: true }) as string[])
        .filter((name) => name.endsWith('.json'))
        .map((name) => JSON.parse(fs.readFileSync(path.join(assets, folder, name), 'utf8')) as Record<string, unknown>)
    const kinds = json('registry/stage_kinds')
    const words = new Set([
      ...kinds.flatMap((kind) => [
        kind.stage_kind_id as string,
        kind.running_status_marker as string,
        ...(kind.legal_outcomes as string[]),
      ]),
      ...json('graphs').map((loop) => loop.loop_id as string),
    ])
    expect(words.size).toBeGreaterThan(25)
    const named = all
      .filter((source) => ['core', 'engine', 'store'].includes(source.layer) && source.name !== 'store/layout.ts')
      .flatMap((source) =>
        [...source.text.matchAll(/'([^'\n]*)'|"([^"\n]*)"|`([^`\n]*)`/g)]
          .map((match) => match[1] ?? match[2] ?? match[3] ?? '')
          .filter((literal) => words.has(literal.replace(/^### /, '')))
          .map((literal) => `${source.name}: ${literal}`),
      )
    expect(named).toEqual([])
  })
})

import { describe, expect, it } from 'vitest'
import { assetsWith, type Change } from '../../test/rig/assets.ts'
import { type AssetFamilies, brokenAliases, brokenFileFor, NOT_TEXT, parseFamilies } from './assets.ts'

const families = (changes: Record<string, Change> = {}): AssetFamilies => parseFamilies(assetsWith(changes))

describe('parsing the families', () => {
  it('sorts files by their folders and keeps whose copy each is', () => {
    const { modes, loops, stageKinds, modelProfiles, aliases, broken } = families({
      'modes/default_pi.json': (text) => text,
    })
    expect([...modes.keys()]).toEqual(['codex_claude', 'default_claude', 'default_codex', 'default_pi'])
    expect([...loops.keys()]).toEqual(['execution.standard', 'planning.standard'])
    expect(stageKinds.size).toBe(12)
    expect([...modelProfiles.keys()]).toEqual([
      'claude-2026-11',
      'codex-2026-11-complex',
      'codex-2026-11',
      'codex-claude-2026-11',
    ])
    expect(aliases).toEqual({
      standard_plain: 'default_codex',
      learning_codex: 'default_codex',
      learning_pi: 'default_pi',
    })
    expect(broken.size).toBe(0)
    expect(modes.get('default_codex')!.file.source).toBe('package')
    expect(modes.get('default_pi')!.file.source).toBe('workspace')
  })

  it('goes by the id in the file, not by its name', () => {
    const { modes } = families({ 'modes/renamed.json': { schema_version: '1.0', kind: 'mode', mode_id: 'mine' } })
    expect(modes.get('mine')!.file.path).toBe('modes/renamed.json')
  })

  it('ignores folders it does not know, such as the loops of older workspaces', () => {
    const { loops, broken } = families({ 'loops/execution/default.json': '{', 'graphs/README.md': 'text' })
    expect(loops.size).toBe(2)
    expect(broken.size).toBe(0)
  })

  it('keeps the first file that declares an id and remembers the others', () => {
    const text = assetsWith().files.get('modes/default_pi.json')!.text
    const { modes } = families({ 'modes/a.json': text, 'modes/z.json': text })
    expect(modes.get('default_pi')!.file.path).toBe('modes/a.json')
    expect(modes.get('default_pi')!.rivals).toEqual(['modes/default_pi.json', 'modes/z.json'])
  })
})

describe('a broken file', () => {
  const findingsOn = (text: string) => families({ 'modes/mine.json': text }).broken.get('modes/mine.json')!.all

  it.each([
    ['{\n  "a": 1\n  "b": 2\n}', 'line 3, column 3'],
    ['{\n  "a": 1,\n', 'line 3, column 1'],
    ['', 'line 1, column 1'],
    ['{"a": "b', 'line 1, column 9'],
    ['  {"a":\n\n', 'line 1, column 8'],
    ['nonsense', null],
  ])('%j is located at %s', (text, at) => {
    expect(findingsOn(text)).toMatchObject([{ code: 'ASSET_BAD_JSON', path: 'modes/mine.json', at }])
  })

  it('is told of in one line, and as no text only where it is none', () => {
    const messageOf = (text: string) => findingsOn(text)[0]!.message
    expect(messageOf(NOT_TEXT)).toBe('the file is not UTF-8 text; mend the JSON there')
    const message = messageOf('{\n  "a": 1\n  "b": 2\n}')
    expect(message).toMatch(/^[^\n]+ JSON[^\n]*; mend the JSON there$/)
    expect(message).not.toContain('UTF-8')
  })

  it('has one finding for each fault, at the path of the value', () => {
    const found = findingsOn(
      JSON.stringify({ schema_version: '2.0', kind: 'mode', mode_id: 'Mine', stage_model_bindings: { builder: '' } }),
    )
    expect(found.map(({ code, at }) => `${code} ${at}`)).toEqual([
      'ASSET_INVALID schema_version',
      'ASSET_INVALID mode_id',
      'ASSET_INVALID stage_model_bindings.builder',
    ])
    for (const { message } of found) expect(message).toMatch(/; correct it$/)
  })

  it('has a suggestion for an unknown key at the top, and the advice to remove it elsewhere', () => {
    const claim_order = { planes: [{ plane: 'execution', kinds: ['task'], kind: 'task' }] }
    const found = findingsOn(
      JSON.stringify({
        schema_version: '1.0',
        kind: 'mode',
        mode_id: 'mine',
        descripton: 'x',
        qqqqqqqqqqqqq: 1,
        claim_order,
      }),
    )
    expect(found.map(({ at, message }) => [at, message])).toEqual([
      ['claim_order.planes.0', 'unknown key kind; remove it'],
      [null, 'unknown key descripton; did you mean description?'],
      [null, 'unknown key qqqqqqqqqqqqq; remove it'],
    ])
  })

  it('is reported with a bounded number of faults', () => {
    const bindings = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`s${index}`, '']))
    expect(
      findingsOn(
        JSON.stringify({ schema_version: '1.0', kind: 'mode', mode_id: 'mine', stage_model_bindings: bindings }),
      ),
    ).toHaveLength(20)
  })

  it('is reported with a bounded number of unknown keys', () => {
    const unknown = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`unheard_of_${index}`, 1]))
    const mode = { schema_version: '1.0', kind: 'mode', mode_id: 'mine', ...unknown }
    expect(findingsOn(JSON.stringify(mode))).toHaveLength(20)
  })

  it('is none for a byte order mark within a text', () => {
    const mode = { schema_version: '1.0', kind: 'mode', mode_id: 'mine', description: 'a\uFEFFb' }
    expect(families({ 'modes/mine.json': mode }).modes.get('mine')!.value.description).toBe('a\uFEFFb')
  })

  it('is taken for the id that its path suggests', () => {
    const found = families({
      'graphs/execution/mine.json': '{',
      'graphs/other.json': '{',
      'graphs/execution/mine/deep.json': '{',
      'registry/stage_kinds/execution/custom.json': '{',
      'modes/aliases.json': '[]',
    })
    expect(brokenFileFor(found, 'graphs/', 'execution.mine')?.all[0]?.path).toBe('graphs/execution/mine.json')
    expect(brokenFileFor(found, 'graphs/', 'mine')?.all[0]?.path).toBe('graphs/execution/mine.json')
    expect(brokenFileFor(found, 'graphs/', 'other')?.all[0]?.path).toBe('graphs/other.json')
    expect(brokenFileFor(found, 'graphs/', 'deep')?.all[0]?.path).toBe('graphs/execution/mine/deep.json')
    expect(brokenFileFor(found, 'graphs/', 'planning.mine')).toBeUndefined()
    expect(brokenFileFor(found, 'modes/', 'mine')).toBeUndefined()
    expect(brokenFileFor(found, 'registry/stage_kinds/', 'custom')).toBeDefined()
    expect(brokenAliases(found)?.all[0]?.code).toBe('ASSET_INVALID')
    expect(brokenAliases(families())).toBeUndefined()
  })
})

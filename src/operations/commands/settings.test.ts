import { parse } from 'smol-toml'
import { beforeEach, describe, expect, it } from 'vitest'
import { carryOut, ledger, refusal } from '../../../test/rig/command.ts'
import { MemoryWorkspace } from '../../../test/rig/view.ts'
import { configKeys, parseConfig } from '../../core/config.ts'
import { setConfig } from './settings.ts'

const FILE = 'millrace-agents/millrace.toml'
const TEXT = `# The config of the project.

[runtime]
default_mode = "default_codex" # as shipped
run_style = "daemon"

# Who may do what.
[runners.codex]
permission_default = "maximum"
args = [
  "exec", # first
  "--foo",
]
`

let workspace: MemoryWorkspace
const text = () => workspace.files.get(FILE)!
const set = (key: string, value: string) => carryOut(workspace, setConfig, { key, value }).output
const refused = (key: string, value: string) => refusal(workspace, setConfig, { key, value })

beforeEach(() => {
  workspace = new MemoryWorkspace()
  workspace.files.set(FILE, TEXT)
})

describe('setting a key', () => {
  it('changes a value where it stands', () => {
    const output = set('runtime.default_mode', 'learning_codex')
    expect(text()).toBe(TEXT.replace('"default_codex" # as', '"learning_codex" # as'))
    expect(output).toMatchObject({
      applied: true,
      key: 'runtime.default_mode',
      boundary: 'claim',
      diff: ['- default_mode = "default_codex" # as shipped', '+ default_mode = "learning_codex" # as shipped'],
    })
    expect(ledger(workspace)).toMatchObject([
      {
        action: 'config_set',
        before: { 'runtime.default_mode': 'default_codex' },
        after: { 'runtime.default_mode': 'learning_codex' },
      },
    ])
    expect(workspace.told).toEqual(['config_changed'])
  })

  it('adds a key to its section, and a section that is not there yet', () => {
    set('runtime.idle_sleep_seconds', '2.5')
    expect(text()).toBe(TEXT.replace('run_style = "daemon"\n', 'run_style = "daemon"\nidle_sleep_seconds = 2.5\n'))
    set('stages.builder.model', 'gpt-5')
    set('recovery.max_fix_cycles', '3')
    expect(text()).toContain('[stages.builder]\nmodel = "gpt-5"\n')
    expect(text()).toContain('[recovery]\nmax_fix_cycles = 3\n')
    expect(text().startsWith(TEXT.slice(0, 20))).toBe(true)
  })

  it.each([
    ['runners.pi.command', 'pi-2', '[runners.pi]\ncommand = "pi-2"\n'],
    ['runners.default_runner', 'pi_rpc', '[runners]\ndefault_runner = "pi_rpc"\n'],
    ['runners.modules.mine', 'mine.mjs', '[runners.modules]\nmine = "mine.mjs"\n'],
    ['stages.builder.model', 'large', '[stages.builder]\nmodel = "large"\n'],
    [
      'usage_governance.runtime_token_rules.enabled',
      'false',
      '[usage_governance.runtime_token_rules]\nenabled = false\n',
    ],
    [
      'runners.claude.permission_by_stage.builder',
      'basic',
      '[runners.claude.permission_by_stage]\nbuilder = "basic"\n',
    ],
    ['engine.poll_interval_seconds', '5', '[engine]\npoll_interval_seconds = 5\n'],
    ['notify.rules.x.webhook', 'http://localhost:1/', '[notify.rules.x]\nwebhook = "http://localhost:1/"\n'],
    ['validators.review.command', 'review', '[validators.review]\ncommand = "review"\n'],
    ['runners.claude.env.TZ', 'UTC', '[runners.claude.env]\nTZ = "UTC"\n'],
  ])(
    'gives %s, whose section is not there, a heading at the end, and leaves all else byte for byte',
    (key, value, added) => {
      for (const [source, end] of [
        [TEXT, '\n'],
        [`${TEXT}\n# The end.\n`, '\n'],
        [`\uFEFF${TEXT.replaceAll('\n', '\r\n')}`, '\r\n'],
      ] as const) {
        workspace.files.set(FILE, source)
        set(key, value)
        expect(text()).toBe(source + `\n${added}`.replaceAll('\n', end))
        expect(() => parseConfig(parse(text().replace('\uFEFF', '')), FILE)).not.toThrow()
      }
    },
  )

  it.each([
    ['runners.modules.mine', 'mine.mjs', '[runners.modules.yours]\n'],
    ['runners.claude.env.TZ', 'UTC', '[runners.claude.env.more]\n'],
    ['notify.rules.x.webhook', 'http://localhost:1/', '[notify.rules.x.headers]\nX-A = "A"\n'],
    ['stages.builder.model', 'large', '[stages.checker]\nmodel = "small"\n'],
  ])('sets %s so that a heading beside it or inside it can be written by hand afterwards', (key, value, byHand) => {
    set(key, value)
    expect(() => parse(`${text()}\n${byHand}`)).not.toThrow()
  })

  it('adds an entry to its table where people put it, be it under a heading or inline', () => {
    workspace.files.set(FILE, `${TEXT}\n[runners.modules]\nyours = "yours.mjs" # ours\n\n[stages.builder]\n`)
    set('runners.modules.mine', 'mine.mjs')
    expect(text()).toContain('[runners.modules]\nyours = "yours.mjs" # ours\nmine = "mine.mjs"\n')
    workspace.files.set(FILE, `${TEXT}\n[runners]\nmodules = { yours = "yours.mjs" } # ours\n`)
    set('runners.modules.mine', 'mine.mjs')
    expect(text()).toMatch(/\nmodules = \{ ?yours = "yours.mjs", mine = "mine.mjs" ?\} # ours\n/)
  })

  it('writes a file where there is none', () => {
    workspace.files.delete(FILE)
    set('recovery.max_fix_cycles', '3')
    expect(text()).toBe('[recovery]\nmax_fix_cycles = 3\n')
  })

  it('reads a value as TOML where the key takes it so, and else as text', () => {
    set('runners.codex.profile', 'work')
    set('stages.builder.model', '5')
    set('runners.pi.args', '["-x", "y"]')
    set('runners.codex.permission_by_model."gpt-5.1"', 'basic')
    const table = parse(text()) as never as Record<string, Record<string, Record<string, unknown>>>
    expect(table.runners!.codex).toMatchObject({ profile: 'work', permission_by_model: { 'gpt-5.1': 'basic' } })
    expect(table.stages!.builder).toEqual({ model: '5' })
    expect(table.runners!.pi).toEqual({ args: ['-x', 'y'] })
  })

  it.each([
    ['Windows line ends', TEXT.replaceAll('\n', '\r\n')],
    ['a byte order mark', `\uFEFF${TEXT}`],
    ['mixed line ends', TEXT.replace('\n\n', '\r\n\n')],
    ['no end of the last line', TEXT.trimEnd()],
    ['dotted keys', `recovery.max_fix_cycles = 2 # two\n${TEXT}`],
    ['an inline table', `recovery = { max_fix_cycles = 2 } # two\n${TEXT}`],
  ])('leaves every other line byte for byte, also with %s', (_, source) => {
    workspace.files.set(FILE, source)
    const { diff } = set('recovery.max_fix_cycles', '7') as { diff: string[] }
    const gone = diff.filter((line) => line.startsWith('- ')).map((line) => line.slice(2))
    const before = source.split('\n').filter((line) => !gone.includes(line.replace('\r', '').replace('\uFEFF', '')))
    let at = 0
    for (const line of before) {
      at = text().indexOf(line, at)
      expect(at).toBeGreaterThanOrEqual(0)
    }
    expect(text()).toContain(source.includes('two') ? '# two' : 'max_fix_cycles = 7')
    expect(parseConfig(parse(text().replace('\uFEFF', '')), FILE).recovery.max_fix_cycles).toBe(7)
  })

  it('takes a key out, so that the default counts', () => {
    const { output } = carryOut(workspace, setConfig, { key: 'runtime.run_style', unset: true })
    expect(text()).toBe(TEXT.replace('run_style = "daemon"\n', ''))
    expect(output.detail).toBe('runtime.run_style is the default now, was "daemon"')
    expect(carryOut(workspace, setConfig, { key: 'runtime.run_style', unset: true }).output).toMatchObject({
      applied: false,
      detail: 'runtime.run_style is not set',
    })
  })

  it('changes nothing where the key has the value', () => {
    const before = text()
    expect(set('runtime.run_style', 'daemon').applied).toBe(false)
    expect(text()).toBe(before)
    expect(workspace.told).toEqual([])
  })

  it('shows no value of an environment, in the answer, the ledger or the event', () => {
    const output = set('runners.codex.env.API_KEY', 'sk-secret')
    expect(text()).toContain('sk-secret')
    expect(JSON.stringify([output, workspace.events, [...workspace.lines]])).not.toContain('sk-secret')
  })
})

describe('what is refused, with nothing written', () => {
  it.each([
    ['recovery.max_fix_cycle', '3', 'did you mean recovery.max_fix_cycles?'],
    ['stages.builder.modle', 'x', 'did you mean stages.builder.model?'],
    ['runners.codex', 'x', 'its keys: runners.codex.command'],
    ['nonsense', 'x', 'millrace config show'],
    ['sentinel.enabled', 'false', 'millrace config show'],
  ])('%s: a key there is not', (key, value, hint) => {
    expect(refused(key, value)).toMatchObject({ code: 'config_invalid', hint: expect.stringContaining(hint) })
  })

  it.each([
    ['recovery.max_fix_cycles', '0'],
    ['recovery.max_fix_cycles', 'many'],
    ['runners.codex.permission_default', 'all'],
  ])('%s = %s: a value out of range', (key, value) => {
    expect(refused(key, value)).toMatchObject({ code: 'config_invalid', message: expect.stringContaining(key) })
  })

  it('what is no key', () => {
    for (const key of ['a b', 'a = 1 #', 'a.', '"', 'a\nb = 1\nc', '{a=1}'])
      expect(refused(key, 'x').code).toBe('usage')
    expect(refusal(workspace, setConfig, { key: 'recovery.max_fix_cycles' }).code).toBe('usage')
  })

  it('a file that is no TOML, with the line', () => {
    workspace.files.set(FILE, '[runtime\n')
    expect(refused('recovery.max_fix_cycles', '3').message).toMatch(/millrace\.toml: line 1, column/)
  })

  it('a change that would leave the file invalid for another reason', () => {
    workspace.files.set(FILE, '[recovery]\nmax_fix_cycles = 0\n')
    expect(refused('runtime.run_style', 'once').message).toContain('recovery.max_fix_cycles')
    expect(set('recovery.max_fix_cycles', '2').applied).toBe(true)
  })
})

it('every key with a plain default can be set to it, and taken out again', () => {
  for (const { key, default: value } of configKeys()) {
    if (value === undefined || value === null || typeof value === 'object') continue
    workspace.files.set(FILE, `${TEXT}\n[notify.rules.x]\ncommand = ["tell"]\n\n[validators.x]\ncommand = "check"\n`)
    const name = key.replaceAll('*', 'x')
    carryOut(workspace, setConfig, { key: name, value: String(value) })
    carryOut(workspace, setConfig, { key: name, unset: true })
    expect(parse(text()), name).toBeTypeOf('object')
  }
})

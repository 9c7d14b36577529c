import * as fs from 'node:fs'
import * as path from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/agents/rig.ts'
import { parseConfig } from '../core/config.ts'
import { disk } from '../store/files.ts'
import { acpLogin, claudeLogin, codexLogin, piLogin } from './login.ts'

const top = temporaryFolder()
afterAll(() => fs.rmSync(top, { recursive: true, force: true }))

let homes = 0
/** A home of its own with these files. */
function homeWith(files: Record<string, string> = {}): string {
  const home = path.join(top, `home-${++homes}`)
  for (const [name, text] of Object.entries({ '.keep': '', ...files })) {
    fs.mkdirSync(path.dirname(path.join(home, name)), { recursive: true })
    fs.writeFileSync(path.join(home, name), text)
  }
  return home
}

const { codex, pi } = parseConfig({}, 'millrace.toml').runners
const SECRET = 'sk-do-not-tell'

describe('whether there is something to log in with', () => {
  const codexIn = (home: string, env: Record<string, string> = {}, config = codex) =>
    codexLogin(config, disk)({ HOME: home, ...env })

  it('Codex: a variable, or the file of its own login', () => {
    expect(codexIn(homeWith(), { CODEX_API_KEY: SECRET })).toEqual({ state: 'found', detail: 'variable CODEX_API_KEY' })
    const home = homeWith({ '.codex/auth.json': `{"OPENAI_API_KEY":"${SECRET}"}` })
    expect(codexIn(home)).toEqual({ state: 'found', detail: path.join(home, '.codex/auth.json') })
    const elsewhere = homeWith({ 'auth.json': '{}' })
    expect(codexIn(homeWith(), { CODEX_HOME: elsewhere })).toMatchObject({ state: 'found' })
    expect(codexIn(homeWith())).toMatchObject({ state: 'missing', detail: expect.stringContaining('CODEX_API_KEY') })
    expect(codexIn(homeWith(), { CODEX_API_KEY: '' }).state).toBe('missing')
    expect(codexIn(homeWith(), { OPENAI_API_KEY: SECRET })).toEqual({
      state: 'missing',
      detail: expect.stringMatching(/makes no use of OPENAI_API_KEY/),
    })
  })

  it('Codex: nobody can tell where its configuration chooses a provider', () => {
    const provider = 'model_provider = "own"'
    expect(codexIn(homeWith({ '.codex/config.toml': `model = "m"\n${provider}\n` })).state).toBe('unknown')
    expect(codexIn(homeWith({ '.codex/config.toml': `model = "m"\n# ${provider}\n` })).state).toBe('missing')
    expect(codexIn(homeWith(), {}, { ...codex, extra_config: ['model_provider="own"'] }).state).toBe('unknown')
    expect(codexIn(homeWith(), {}, { ...codex, profile: 'work' }).state).toBe('unknown')
  })

  it('Claude Code: a variable, the file of its own login, or a program that gives the key', () => {
    const claudeIn = (home: string, env: Record<string, string> = {}, platform = 'linux') =>
      claudeLogin(disk, platform)({ HOME: home, ...env })
    expect(claudeIn(homeWith(), { ANTHROPIC_API_KEY: SECRET }).detail).toBe('variable ANTHROPIC_API_KEY')
    expect(claudeIn(homeWith(), { CLAUDE_CODE_USE_BEDROCK: '1' }).state).toBe('found')
    expect(claudeIn(homeWith({ '.claude/.credentials.json': '{}' })).state).toBe('found')
    expect(claudeIn(homeWith({ '.claude/settings.json': '{"apiKeyHelper": "pass key"}' })).state).toBe('unknown')
    expect(claudeIn(homeWith(), {}, 'darwin').state).toBe('unknown')
    expect(claudeIn(homeWith({ '.claude/settings.json': '{}' })).state).toBe('missing')
  })

  it('Pi: the key of any provider, or a file of its own', () => {
    const piIn = (home: string, env: Record<string, string> = {}, config = pi) =>
      piLogin(config, disk)({ HOME: home, ...env })
    expect(piIn(homeWith(), { GROQ_API_KEY: SECRET }).detail).toBe('variable GROQ_API_KEY')
    expect(piIn(homeWith({ '.pi/agent/models.json': '{}' })).state).toBe('found')
    expect(piIn(homeWith(), { PI_CODING_AGENT_DIR: homeWith({ 'auth.json': '{}' }) }).state).toBe('found')
    expect(piIn(homeWith(), {}, { ...pi, provider: 'amazon-bedrock' }).state).toBe('unknown')
    expect(piIn(homeWith()).state).toBe('missing')
  })

  it('an agent of the Agent Client Protocol: only the agent knows', () => {
    expect(acpLogin({}).state).toBe('unknown')
  })

  it('no value is ever told', () => {
    const env = { HOME: homeWith({ '.codex/auth.json': SECRET }), CODEX_API_KEY: SECRET, ANTHROPIC_API_KEY: SECRET }
    const told = [codexLogin(codex, disk), claudeLogin(disk, 'linux'), piLogin(pi, disk)].map((look) => look(env))
    expect(told.map(({ state }) => state)).toEqual(['found', 'found', 'found'])
    expect(JSON.stringify(told)).not.toContain(SECRET)
  })

  it('what cannot be read is as good as not there', () => {
    const home = homeWith()
    fs.mkdirSync(path.join(home, '.codex/config.toml'), { recursive: true })
    expect(codexIn(home).state).toBe('missing')
  })
})

/** What doctor says of the programs of runners: real small programs on a PATH of their own. */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { newWorkspace, type TestWorkspace } from '../../../test/rig/context.ts'
import { enginePorts, RUNNER_NAMES } from '../../../test/rig/ports.ts'
import { runnersFor } from '../../runners/registry.ts'
import { doctor } from './doctor.ts'

const opened: TestWorkspace[] = []
afterEach(() => {
  for (const workspace of opened.splice(0)) workspace.dispose()
})

/** Findings on runners in a fresh workspace; `programs` are there and say their version. */
async function findings(options: {
  programs?: string[]
  env?: Record<string, string>
  config?: string
  files?: Record<string, string>
}) {
  const workspace = await newWorkspace()
  opened.push(workspace)
  const { root } = workspace
  const bin = path.join(root, 'bin')
  fs.mkdirSync(bin)
  for (const name of options.programs ?? [])
    fs.writeFileSync(path.join(bin, name), `#!/bin/sh\necho ${name} 1.2.3\n`, { mode: 0o755 })
  for (const [name, text] of Object.entries(options.files ?? {})) {
    fs.mkdirSync(path.dirname(path.join(root, name)), { recursive: true })
    fs.writeFileSync(path.join(root, name), text)
  }
  if (options.config !== undefined) fs.writeFileSync(workspace.at('millrace.toml'), options.config)
  const environment = { PATH: `${bin}:/usr/bin:/bin`, HOME: root, ...options.env }
  const { files, clock } = enginePorts(root, { packageRoot: '', scriptedAgent: '' })
  const ports = { files, clock, environment, workspaceRoot: root, scriptedAgent: '', driver: '' }
  const context = {
    ...workspace.context,
    runnerNames: [...RUNNER_NAMES, 'claude_code', 'acp'],
    runners: (config: Parameters<typeof runnersFor>[0]) => runnersFor(config, ports),
  }
  const { findings: all, ok } = await doctor.run(context, {})
  const told = all.filter(({ code }) => code.startsWith('runner_'))
  return { ok, told, codes: told.map(({ level, code }) => `${level} ${code}`), text: JSON.stringify(all) }
}

describe('doctor on runners', () => {
  it('warns of nothing where the program is there and has something to log in with', async () => {
    const { codes, told, text } = await findings({ programs: ['codex'], env: { CODEX_API_KEY: 'sk-never-tell' } })
    expect(codes).toEqual(['info runner_available'])
    expect(told[0]?.message).toBe(
      'Runner codex_cli is there: codex 1.2.3. Its login: variable CODEX_API_KEY; whether it is valid shows with the first stage.',
    )
    expect(text).not.toContain('sk-never-tell')
  })

  it('is not content where there is no program, or nothing to log in with, and tells the way out', async () => {
    const without = await findings({})
    expect([without.ok, without.codes]).toEqual([false, ['error runner_binary_unavailable']])
    const { ok, told, codes } = await findings({ programs: ['codex'] })
    expect([ok, codes]).toEqual([false, ['error runner_login_missing', 'info runner_available']])
    expect(told[0]?.remedy).toContain('codex login')
  })

  it('looks at what the config speaks of as well, and only tells of it, as no stage uses it', async () => {
    const config = '[runners.claude]\nmax_retries = 5\n[runners.command]\ncommand = "no-such-program"\n'
    const { codes, told } = await findings({ programs: ['codex', 'claude'], env: { CODEX_API_KEY: 'x' }, config })
    expect(codes.sort()).toEqual([
      'info runner_available',
      'info runner_available',
      'info runner_binary_unavailable',
      'info runner_login_missing',
    ])
    const unused = told.filter(({ message }) => !message.includes('codex_cli'))
    expect(unused.every(({ message }) => message.endsWith('No stage uses it.'))).toBe(true)
  })

  it('tells of a module that is no adapter, as of a program that is not there', async () => {
    const config = '[runners.modules]\nmine = "mine.mjs"\n[stages.builder]\nrunner = "mine"\n'
    const { told } = await findings({ programs: ['codex'], env: { CODEX_API_KEY: 'x' }, config })
    expect(told.filter(({ message }) => message.includes('mine'))).toMatchObject([
      {
        level: 'error',
        code: 'runner_binary_unavailable',
        message: expect.stringMatching(/^Runner mine: The module mine\.mjs cannot be loaded: Cannot find module /),
        remedy: expect.stringContaining('docs/authoring.md'),
      },
    ])
  })

  it('probes each runner of a mode that has several', async () => {
    const config = '[runtime]\ndefault_mode = "codex_claude"\n[runners.claude.env]\nIS_SANDBOX = "1"\n'
    const { codes, told } = await findings({
      programs: ['codex', 'claude'],
      config,
      files: { '.codex/auth.json': '{}', '.claude/.credentials.json': '{}' },
    })
    expect(codes).toEqual(['info runner_environment', 'info runner_available', 'info runner_available'])
    expect(told.slice(1).map(({ message }) => message.split(' is there')[0])).toEqual([
      'Runner claude_code',
      'Runner codex_cli',
    ])
  })
})

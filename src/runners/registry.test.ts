import * as fs from 'node:fs'
import * as path from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { agent, bundle, clock, requestIn, temporaryFolder } from '../../test/agents/rig.ts'
import { parseConfig } from '../core/config.ts'
import { disk } from '../store/files.ts'
import { runnersFor } from './registry.ts'

const workspace = temporaryFolder()
afterAll(() => fs.rmSync(workspace, { recursive: true, force: true }))

const runners = (config: unknown = {}, environment: Record<string, string | undefined> = process.env) =>
  runnersFor(parseConfig(config, 'test'), {
    files: disk,
    clock,
    environment,
    workspaceRoot: workspace,
    scriptedAgent: bundle(path.join(import.meta.dirname, 'scripted/agent.ts'), workspace),
    driver: '/nowhere/driver.js',
  })

describe('the registry of runners', () => {
  it('has the adapters of this version under their names', () => {
    expect([...runners()].map(([key, runner]) => [key, runner.name, runner.adoptable])).toEqual([
      ['codex_cli', 'codex_cli', true],
      ['command', 'command', true],
      ['scripted', 'scripted', true],
      ['claude_code', 'claude_code', true],
      ['acp', 'acp', true],
      ['pi_rpc', 'pi_rpc', true],
    ])
  })

  it.each(['command', 'acp'])('refuses to start the %s runner without a program', async (name) => {
    const runner = runners().get(name)!
    const problem = expect.stringContaining(`runners.${name}.command`)
    expect(await runner.start(requestIn(workspace))).toMatchObject({ ending: 'not_started', message: problem })
    expect(await runner.probe()).toMatchObject({ ok: false, problem })
  })

  it('probes for binaries and versions', async () => {
    const fake = path.join(workspace, 'codex')
    fs.writeFileSync(fake, `#!/bin/sh\nexec "${process.execPath}" "${agent('codex')}" "$@"\n`, { mode: 0o755 })
    const found = runners({}, { PATH: `${workspace}:/usr/bin:/bin`, HOME: workspace, CODEX_API_KEY: 'sk-made-up' })
    expect(await found.get('codex_cli')!.probe()).toEqual({
      runner: 'codex_cli',
      ok: true,
      program: 'codex',
      binary: fake,
      version: 'codex-cli 0.0.0-fake',
      login: { state: 'found', detail: 'variable CODEX_API_KEY' },
      problem: null,
      remedy: null,
    })
    expect(await found.get('codex_cli')!.probe(true)).toMatchObject({ ok: true, binary: fake, version: null })
    const missing = runners({ runners: { codex: { command: 'no-codex' } } })
    expect(await missing.get('codex_cli')!.probe()).toMatchObject({
      ok: false,
      binary: null,
      problem: expect.stringContaining('no-codex'),
    })
    expect(await found.get('scripted')!.probe()).toMatchObject({ ok: true, version: 'scripted agent 1.0' })
    const command = runners({ runners: { command: { command: './codex' } } }).get('command')!
    expect(await command.probe()).toMatchObject({ ok: true, binary: fake, version: null })
    const acp = runners({ runners: { acp: { command: './codex', args: ['--acp'] } } }).get('acp')!
    expect(await acp.probe()).toMatchObject({ ok: true, binary: fake, version: null })
    const failing = runners({ runners: { codex: { command: '/bin/false' } } })
    expect(await failing.get('codex_cli')!.probe()).toMatchObject({
      ok: false,
      problem: expect.stringContaining('status 1'),
    })
  })
})

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
    scriptedAgent: bundle(path.join(import.meta.dirname, 'scripted-agent.ts'), workspace),
  })

describe('the registry of runners', () => {
  it('has the adapters of this version under their names', () => {
    expect([...runners()].map(([key, runner]) => [key, runner.name, runner.adoptable])).toEqual([
      ['codex_cli', 'codex_cli', true],
      ['command', 'command', true],
      ['scripted', 'scripted', true],
      ['pi_rpc', 'pi_rpc', false],
    ])
  })

  it('refuses to start a runner whose adapter is not there yet, with a clear sentence', async () => {
    const pi = runners().get('pi_rpc')!
    const request = requestIn(workspace, { runner_name: 'pi_rpc' })
    const raw = await pi.start(request)
    expect(raw).toMatchObject({ ending: 'not_started', runner_name: 'pi_rpc', request_id: request.request_id })
    expect((raw as { message: string }).message).toContain('arrives with a later')
    expect(await pi.probe()).toMatchObject({ ok: false, problem: expect.stringContaining('arrives with a later') })
    expect(await pi.remains(request)).toEqual({ state: 'gone', begun: false })
  })

  it('refuses to start the command runner without a program', async () => {
    const command = runners().get('command')!
    const raw = await command.start(requestIn(workspace))
    expect(raw).toMatchObject({ ending: 'not_started', message: expect.stringContaining('runners.command.command') })
    expect(await command.probe()).toMatchObject({
      ok: false,
      problem: expect.stringContaining('runners.command.command'),
    })
  })

  it('probes for binaries and versions', async () => {
    const fake = path.join(workspace, 'codex')
    fs.writeFileSync(fake, `#!/bin/sh\nexec "${process.execPath}" "${agent('codex')}" "$@"\n`, { mode: 0o755 })
    const found = runners({}, { PATH: `${workspace}:/usr/bin:/bin` })
    expect(await found.get('codex_cli')!.probe()).toEqual({
      runner: 'codex_cli',
      ok: true,
      binary: fake,
      version: 'codex-cli 0.0.0-fake',
      problem: null,
      remedy: null,
    })
    const missing = runners({ runners: { codex: { command: 'no-codex' } } })
    expect(await missing.get('codex_cli')!.probe()).toMatchObject({
      ok: false,
      binary: null,
      problem: expect.stringContaining('no-codex'),
    })
    expect(await found.get('scripted')!.probe()).toMatchObject({ ok: true, version: 'scripted agent 1.0' })
    const command = runners({ runners: { command: { command: './codex' } } }).get('command')!
    expect(await command.probe()).toMatchObject({ ok: true, binary: fake, version: null })
    const failing = runners({ runners: { codex: { command: '/bin/false' } } })
    expect(await failing.get('codex_cli')!.probe()).toMatchObject({
      ok: false,
      problem: expect.stringContaining('status 1'),
    })
  })
})

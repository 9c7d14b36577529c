/** Runners from modules: bound like any other, and waited for like a program while they are not there. */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import type { Snapshot } from '../../src/core/state.ts'
import { systemClock } from '../../src/engine/clock.ts'
import { followRun } from '../../src/operations/runs/follow.ts'
import { contextIn } from '../rig/context.ts'
import { Rig } from '../rig/runtime.ts'

let rig: Rig
let aheadMs = 0
afterEach(() => {
  rig?.dispose()
  aheadMs = 0
})

const WORK = 'cat >/dev/null; echo built >"$MILLRACE_RUN_DIR/builder_summary.md"; echo "### BUILDER_COMPLETE"'
const ADAPTER = `export default ({ name, probe }) => ({
  output: 'text',
  command: (request) => ({ argv: ['sh', '-c', ${JSON.stringify(WORK)}], env: {}, envPass: [], envPrefixes: [] }),
  transcript: () => ({
    line: () => [],
    usage: () => null,
    findings: ({ stdout }) => ({
      ...{ finalMessage: stdout, usage: null, sessionId: 'session-of-' + name, failure: null, notes: [] },
    }),
  }),
  probe: () => probe({ program: 'sh', versionArgs: null, remedy: '' }),
})
`

const install = () => {
  fs.mkdirSync(path.join(rig.root, 'adapters'))
  fs.writeFileSync(path.join(rig.root, 'adapters/own.mjs'), ADAPTER)
}

/** A workspace with a task whose builder is bound to a runner of a module. */
async function withBuilder(): Promise<void> {
  rig = await Rig.create({
    config: '[runners.modules]\nown_agent = "adapters/own.mjs"\n',
    clock: { ...systemClock, now: () => new Date(Date.now() + aheadMs) },
  })
  const mode = rig.json<{ stage_runner_bindings: Record<string, string> }>('modes/scripted.json')
  rig.mode({ stage_runner_bindings: { ...mode.stage_runner_bindings, builder: 'own_agent' } })
  rig.outcomes({ checker: ['CHECKER_PASS'], updater: ['UPDATE_COMPLETE'] })
  rig.addTask('task-a')
}

describe('a stage that is bound to a runner of a module', () => {
  test('is run by it', async () => {
    await withBuilder()
    install()
    await rig.work()
    expect(rig.stages()).toEqual(['builder', 'checker', 'updater'])
    const [request] = rig.requests('builder')
    expect(request!.runner_name).toBe('own_agent')
    expect(rig.result(request!)).toMatchObject({ terminal_result: 'BUILDER_COMPLETE', success: true })
    expect(rig.list('tasks/done')).toEqual(['task-a.md'])

    const context = contextIn(rig.root)
    await followRun(context, { run_id: request!.run_id, since_start: true })
    expect(context.told).toContainEqual(
      expect.objectContaining({ event: 'output', text: '### BUILDER_COMPLETE', request_id: request!.request_id }),
    )
  })

  test('waits while the module is not there, and goes on by itself once it is', async () => {
    await withBuilder()
    await rig.ticks(1)
    expect(rig.log('stage_deferred')).toMatchObject([
      {
        failure_class: 'environment_missing_binary',
        reason: expect.stringContaining('The module adapters/own.mjs cannot be loaded'),
      },
    ])
    install()
    const [waiting] = rig.json<Snapshot>('state/runtime_snapshot.json').active_runs
    aheadMs = Date.parse(waiting!.not_before!) - Date.now() + 1000
    await rig.work()
    expect(rig.list('tasks/done')).toEqual(['task-a.md'])
  })
})

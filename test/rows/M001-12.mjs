import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { run, succeeded } from './parts/commands.mjs'

const SECONDS_MAX = 60

export const row = {
  id: 'M001-12',
  says: 'The sixty-second proof: compile validate, run once and status, with --workspace, on a bare directory.',

  async run() {
    mkdirSync('bare')
    const bare = path.resolve('bare')
    const began = performance.now()
    const millrace = async (...args) =>
      succeeded(await run('millrace', [...args, '--workspace', bare]), `millrace ${args.join(' ')}`)
    const compiled = await millrace('compile', 'validate')
    const once = await millrace('run', 'once')
    const status = await millrace('status')
    assert.ok((performance.now() - began) / 1000 < SECONDS_MAX)

    assert.match(compiled.stdout, /^ok: true$/m)
    assert.match(once.stdout, /^tick_reason: no_work$/m)
    assert.match(status.stdout, /^active_mode_id: default_codex$/m)
    const root = path.join(bare, 'millrace-agents')
    for (const file of [
      'millrace.toml',
      'state/compiled_plan.json',
      'state/runtime_snapshot.json',
      'tasks/queue',
      'runs',
    ])
      assert.ok(existsSync(path.join(root, file)), `${file} was not made`)
    assert.equal(readFileSync(path.join(root, 'state/execution_status.md'), 'utf8'), '### IDLE\n')
  },
}

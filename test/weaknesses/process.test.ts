/** Processes and what they report (W-32 to W-38; all but W-34 are told in test/scenarios, see README.md here). */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { Rig } from '../rig/runtime.ts'

let rig: Rig
afterEach(() => rig?.dispose())

test('W-34: an agent is given its prompt on stdin, and nothing of it shows in the list of processes', async () => {
  rig = await Rig.create({ config: '[runners.command]\ncommand = "agents/builder"\nargs = ["--quiet"]\n' })
  const mode = rig.json<{ stage_runner_bindings: Record<string, string> }>('modes/scripted.json')
  rig.mode({ stage_runner_bindings: { ...mode.stage_runner_bindings, builder: 'command' } })
  const file = path.join(rig.root, 'agents/builder')
  fs.mkdirSync(path.dirname(file), { recursive: true })
  const script = [
    '#!/bin/sh',
    'cat >heard.txt',
    // Of itself and of the process that keeps it.
    'cat /proc/$$/cmdline /proc/$PPID/cmdline | tr "\\0" "\\n" >shown.txt',
    'echo built >"$MILLRACE_RUN_DIR/builder_summary.md"',
    'echo "### BUILDER_COMPLETE"',
  ]
  fs.writeFileSync(file, `${script.join('\n')}\n`)
  fs.chmodSync(file, 0o755)
  rig.addTask('task-a')
  await rig.ticks(1)
  const [request] = rig.requests('builder')
  expect(rig.log('router_decision')).toMatchObject([{ reason: 'builder:BUILDER_COMPLETE' }])
  const prompt = fs.readFileSync(path.join(request!.run_dir, `runner_prompt.${request!.request_id}.md`), 'utf8')
  expect(prompt.length).toBeGreaterThan(1000)
  expect(fs.readFileSync(path.join(rig.root, 'heard.txt'), 'utf8')).toBe(prompt)
  const shown = fs.readFileSync(path.join(rig.root, 'shown.txt'), 'utf8')
  expect(shown).toContain('--quiet')
  const lines = prompt.split('\n').filter((line) => line.length > 20)
  expect(lines.filter((line) => shown.includes(line))).toEqual([])
})

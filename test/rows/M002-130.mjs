import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { eventually } from './parts/commands.mjs'
import { newWorkspace } from './parts/workspace.mjs'

/** What others may leave in the mailbox, by file name. */
const FOREIGN = {
  'half.json': '{"command": "stop", "payl',
  'text.json': 'please stop\n',
  'array.json': '[]',
  'empty.json': '',
  'other.json': JSON.stringify({ kind: 'something_else', command: 'stop' }),
  'unknown.json': JSON.stringify({
    schema_version: '1.0',
    kind: 'mailbox_command',
    command_id: 'unknown',
    command: 'format_disk',
    issued_at: '2026-03-02T09:15:00Z',
    issuer: 'agent',
    payload: {},
  }),
}

export const row = {
  id: 'M002-130',
  says: 'Agents are told to leave mailbox and state alone, and what they put there all the same harms nobody.',

  async run() {
    const workspace = await newWorkspace({
      // An agent that does it all the same.
      replies: [
        {
          stage: 'builder',
          steps: [
            { write: { path: 'millrace-agents/state/mailbox/incoming/from-agent.json', text: '{"command": "stop"' } },
            { artifacts: true },
          ],
          outcome: 'BUILDER_COMPLETE',
        },
      ],
    })
    const daemon = await workspace.daemon()
    for (const [name, text] of Object.entries(FOREIGN))
      writeFileSync(workspace.path('state/mailbox/incoming', name), text)
    await workspace.add('task', 'work')
    await eventually('the task is done', () => workspace.has('tasks/done/work.md'))

    const names = [...Object.keys(FOREIGN), 'from-agent.json'].sort()
    await eventually('all of it is put aside', () => workspace.names('state/mailbox/failed').length === names.length)
    assert.deepEqual(workspace.names('state/mailbox/failed'), names)
    await eventually('the mailbox is empty', () => workspace.names('state/mailbox/incoming').length === 0)
    for (const name of names)
      assert.match(workspace.read(`state/mailbox/failed/${name}`).error, /^[A-Z]\w+ \w+ \w+/, name)
    const { process_running: isRunning, runtime_process_id: pid } = await workspace.json('status')
    assert.deepEqual([isRunning, pid], [true, daemon.pid])
    documented(workspace)
  },
}

/** In the prompt of every stage, and in the pages that come with the package. */
function documented(workspace) {
  const [runId] = workspace.names('runs')
  const prompts = workspace.names(`runs/${runId}`).filter((name) => name.startsWith('runner_prompt.'))
  assert.equal(prompts.length, 3)
  for (const name of prompts)
    assert.match(
      workspace.text(`runs/${runId}/${name}`),
      /Never write into a queue folder, the mailbox or a state file/,
    )
  const docs = path.join(process.env.ROWS_PACKAGE, 'docs')
  const pages = readdirSync(docs)
    .filter((name) => name.endsWith('.md'))
    .map((name) => readFileSync(path.join(docs, name), 'utf8'))
  assert.ok(pages.some((text) => /never writes into a queue folder, the mailbox/.test(text)))
}

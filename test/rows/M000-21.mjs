import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { program } from './parts/programs.mjs'
import { newWorkspace } from './parts/workspace.mjs'

/** An adapter as somebody else would write it, by docs/authoring.md: it knows nothing of this row, and Millrace not of it. */
const ADAPTER = `
  const VARIABLES = { env: {}, envPass: ['NOTES'], envPrefixes: [] }
  export default ({ name, probe }) => ({
    name,
    output: 'events',
    command: (request) => ({
      argv: ['quill', '--work', request.run_dir, JSON.stringify(request.owed_artifacts_by_outcome)],
      ...VARIABLES,
    }),
    transcript() {
      let said = null
      return {
        line({ text }) {
          if (text.startsWith('says ')) said = JSON.parse(text.slice(5))
          return []
        },
        usage: () => ({ input_tokens: 7, cached_input_tokens: 0, output_tokens: 3, thinking_tokens: 0, total_tokens: 10 }),
        findings() {
          return { finalMessage: said, usage: this.usage(), sessionId: 'quill-1', failure: null, notes: ['with a quill'] }
        },
      }
    },
    probe: () => probe({ program: 'quill', versionArgs: ['--version'], remedy: 'sharpen it', ...VARIABLES }),
  })`

/** The harness it drives. */
const QUILL = `
  const fs = require('node:fs')
  const path = require('node:path')
  const [option, runDir, owedByOutcome] = process.argv.slice(2)
  if (option === '--version') { console.log('quill 1'); process.exit() }
  fs.readFileSync(0)
  const [outcome, owed] = Object.entries(JSON.parse(owedByOutcome))[0]
  for (const one of owed) fs.writeFileSync(path.resolve(runDir, one.path), 'By quill.')
  console.log('scribbles ### BLOCKED')
  console.log('says ' + JSON.stringify('Done.\\n\\n### ' + outcome))`

export const row = {
  id: 'M000-21',
  says: 'The runner boundary is narrow: an adapter from elsewhere is bound by the config alone, and drives every stage.',

  async run() {
    writeFileSync('quill.cjs', QUILL)
    program('quill', `exec node '${path.resolve('quill.cjs')}' "$@"`)
    const workspace = await newWorkspace({ runner: 'quill' })
    writeFileSync(path.join(workspace.root, 'quill-adapter.mjs'), ADAPTER)
    workspace.configure('[runners.modules]\nquill = "quill-adapter.mjs"')
    assert.equal((await workspace.ok('compile', 'validate', '--json')).json.ok, true)

    await workspace.add('task', 'work')
    await workspace.drain()
    assert.deepEqual(workspace.names('tasks/done'), ['work.md'])
    const [runId] = await workspace.runIds()
    const { stages } = await workspace.json('runs', 'show', runId)
    assert.deepEqual(
      stages.map(({ stage, runner_name, terminal_result }) => [stage, runner_name, terminal_result]),
      [
        ['builder', 'quill', 'BUILDER_COMPLETE'],
        ['checker', 'quill', 'CHECKER_PASS'],
        ['updater', 'quill', 'UPDATE_COMPLETE'],
      ],
    )
    // What went in is the request, what came out is what the adapter found, and both are kept.
    for (const { request_id: requestId } of stages) {
      const request = workspace.read(`runs/${runId}/stage_requests/${requestId}.json`)
      const { command } = workspace.read(`runs/${runId}/runner_invocation.${requestId}.json`)
      assert.deepEqual(command.slice(0, 3), ['quill', '--work', request.run_dir])
      const result = workspace.read(`runs/${runId}/stage_results/${requestId}.json`)
      assert.equal(result.token_usage.total_tokens, 10)
      assert.ok(result.notes.includes('with a quill'))
    }

    const refused = await workspace.millrace('compile', 'validate', '--set', 'stages.builder.runner=nobodys')
    assert.equal(refused.code, 1, 'a runner that nobody brought is refused')
  },
}

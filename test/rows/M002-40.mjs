import assert from 'node:assert/strict'
import { newWorkspace } from './parts/workspace.mjs'

/** The ways a task can take, as the agents answer, and the stages that must come of it. */
const FLOWS = {
  'builder-success': { answers: {}, stages: ['builder', 'checker', 'updater'], ends: 'done' },
  quickfix: {
    answers: { checker: ['FIX_NEEDED'] },
    stages: ['builder', 'checker', 'fixer', 'doublechecker', 'updater'],
    ends: 'done',
  },
  qa: {
    answers: { checker: ['BLOCKED', 'CHECKER_PASS'] },
    stages: ['builder', 'checker', 'troubleshooter', 'builder', 'checker', 'updater'],
    ends: 'done',
  },
  'full-cycle': {
    answers: { checker: ['FIX_NEEDED'], doublechecker: ['FIX_NEEDED', 'DOUBLECHECK_PASS'] },
    stages: ['builder', 'checker', 'fixer', 'doublechecker', 'fixer', 'doublechecker', 'updater'],
    ends: 'done',
  },
}

/** Nothing is ever good enough: the loop of fixes ends by its budget. */
const ENDLESS = {
  checker: ['FIX_NEEDED'],
  doublechecker: ['FIX_NEEDED'],
  troubleshooter: ['BLOCKED'],
  consultant: ['BLOCKED'],
}

export const row = {
  id: 'M002-40',
  says: 'Builder success, quick fix, QA and the full cycle each take their own way, and fixing is bounded.',

  async run() {
    const workspace = await newWorkspace({
      replies: [...Object.entries(FLOWS), ['endless', { answers: ENDLESS }]].flatMap(([item, { answers }]) =>
        Object.entries(answers).flatMap(([stage, outcomes]) =>
          outcomes.map((outcome, index) => ({ stage, item, attempt: index + 1, outcome })),
        ),
      ),
    })
    for (const id of [...Object.keys(FLOWS), 'endless']) await workspace.add('task', id)
    await workspace.ok('run', 'daemon', '--stop-when-idle')

    const { runs } = await workspace.json('runs', 'ls')
    const stagesOf = async (id) => {
      const { run_id: runId } = runs.find((one) => one.work_item_id === id)
      return (await workspace.json('runs', 'trace', runId)).nodes.map(({ stage }) => stage)
    }
    for (const [id, { stages, ends }] of Object.entries(FLOWS)) {
      assert.deepEqual(await stagesOf(id), stages, id)
      assert.ok(workspace.has(`tasks/${ends}/${id}.md`), id)
    }
    const endless = await stagesOf('endless')
    assert.deepEqual(endless.slice(0, 6), ['builder', 'checker', 'fixer', 'doublechecker', 'fixer', 'doublechecker'])
    assert.equal(endless[6], 'troubleshooter')
    assert.equal(endless.filter((stage) => stage === 'fixer').length, 2)
    assert.ok(workspace.has('tasks/blocked/endless.md'))
  },
}

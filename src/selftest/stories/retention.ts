/** What is put aside or taken away as it gets old. */
import { NO_LIMITS } from '../../core/retention-config.ts'
import { AT } from '../../store/layout.ts'
import { type Story, succeeding } from '../story.ts'
import { at, has, lines } from './ending.ts'
import { BUILT } from './script.ts'

/** As the account of what was removed says it in the event log. */
const REMOVED = '"removed":{"plan":{"bytes":3,"count":1},"run":{"bytes":'

export const logRotation: Story = {
  name: 'log rotation',
  about: 'control',
  tells: 'the event log is put aside',
  begin: ({ task }) => task('a'),
  script: succeeding(),
  first: (engine) => engine.commit([{ change: 'log.rotate', path: AT.events }]),
  ends: { 'task a': 'done' },
  outcomes: BUILT,
}

export const oldRuns: Story = {
  name: 'old runs',
  about: 'control',
  tells: 'of two old runs the older one is removed for good, with its plan; the other stays',
  async begin({ task, file, command }) {
    for (const name of ['older', 'newer']) {
      task(name, {}, 'done')
      const plan = { compiled_plan_id: `plan-${name}` }
      const about = { ...plan, active_work_item_kind: 'task', active_work_item_id: name }
      file(`millrace-agents/state/plans/plan-${name}/plan.json`, '{}\n')
      file(`millrace-agents/runs/run-${name}/stage_requests/request-1.json`, JSON.stringify(about))
      file(`millrace-agents/runs/run-${name}/resolved_snapshot.json`, JSON.stringify(plan))
    }
    await command('collect_garbage', { limits: { ...NO_LIMITS, runs_max: 1 } })
  },
  script: succeeding(),
  ends: { 'task older': 'done', 'task newer': 'done' },
  outcomes: [],
  also: (files) => [
    ...has(files.list(at('runs')) ?? [], 1, 'runs'),
    ...has(files.list(at('runs/run-newer')) ?? [], 2, 'files of the run that stays'),
    ...has(
      (files.list(at('state/plans')) ?? []).filter((name) => name === 'plan-older'),
      0,
      'plans of the other',
    ),
    ...has(
      (files.list(at('state/plans')) ?? []).filter((name) => name === 'plan-newer'),
      1,
      'plans of that run',
    ),
    ...has(files.list(at(AT.trash)) ?? [], 0, 'things still to be deleted'),
    ...has(
      lines(files, at(AT.events)).filter((line) => line.includes(REMOVED)),
      1,
      'accounts of what was removed',
    ),
  ],
}

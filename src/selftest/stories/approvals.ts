/** Questions to a person, asked before a stage and at an edge. */
import type { Clock } from '../../core/clock.ts'
import type { Files } from '../../core/files.ts'
import type { StageRequest } from '../../core/request.ts'
import type { Script } from '../instant-runner.ts'
import { GATED_LOOP, GATED_MODE } from '../loops.ts'
import { posting, type Story, succeeding } from '../story.ts'
import { at, has } from './ending.ts'
import { BUILT } from './script.ts'

export const approval: Story = {
  name: 'approval',
  about: 'control',
  tells:
    'the last stage of two tasks waits for a person; the first is approved while the second is at work, the second denied',
  begin({ task, file }) {
    file('millrace-agents/millrace.toml', '[stages.updater]\nrequired_capabilities = ["git.mutate"]\n')
    task('a')
    task('b')
  },
  script: (request, ...given) => asAnswered(request, succeeding()(request, ...given), 'builder b', 'updater a'),
  ends: { 'task a': 'done', 'task b': 'blocked' },
  outcomes: ['BUILDER_COMPLETE', 'CHECKER_PASS', ...BUILT, 'BLOCKED'],
  also: (files) => [
    ...has(files.list(at('approvals/pending')) ?? [], 0, 'questions without an answer'),
    ...has(files.list(at('approvals/resolved')) ?? [], 2, 'answers'),
  ],
}

export const gate: Story = {
  name: 'gate',
  about: 'control',
  tells:
    'the results of two tasks wait at an edge for a person; the first is approved while the second is built, the second denied',
  begin({ task, file }) {
    file('millrace-agents/graphs/execution/gated.json', JSON.stringify(GATED_LOOP))
    file('millrace-agents/modes/gated.json', JSON.stringify(GATED_MODE))
    file('millrace-agents/millrace.toml', '[runtime]\ndefault_mode = "gated"\n')
    task('a')
    task('b')
  },
  script: (request, ...given) => asAnswered(request, succeeding()(request, ...given), 'builder b', 'checker a'),
  ends: { 'task a': 'done', 'task b': 'blocked' },
  outcomes: ['BUILDER_COMPLETE', 'CHECKER_PASS', 'BLOCKED'],
  also: (files) => has(files.list(at('approvals/resolved')) ?? [], 2, 'answers'),
}

/** What a stage does, and beside it: the first question is approved during one stage, the next denied during another. */
const asAnswered = (request: StageRequest, outcome: ReturnType<Script>, approved: string, denied: string) => {
  const stage = `${request.stage_kind_id} ${request.active_work_item_id}`
  const verb = stage === approved ? 'approve' : stage === denied ? 'deny' : null
  return verb === null ? outcome : { outcome: outcome as string, meanwhile: answering(verb) }
}

/** Answers the question that waits, if there is one. */
const answering = (verb: string) => async (files: Files, clock: Clock) => {
  const [name] = files.list(at('approvals/pending')) ?? []
  if (name === undefined) return
  await posting(`${verb}_execution_capability`, { approval_id: name.replace(/\.json$/, '') })(files, clock)
}

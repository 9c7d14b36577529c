/** The reference stories: between them, every kind of transaction the runtime makes. */
import * as path from 'node:path'
import { type BaselineManifest, manifestOf, manifestText, originalsOf } from '../core/baseline.ts'
import type { Clock } from '../core/clock.ts'
import { DELIVERY_ID, type DeliveryState } from '../core/delivery.ts'
import type { Files } from '../core/files.ts'
import type { StageRequest } from '../core/request.ts'
import type { RetentionLimits } from '../core/retention-config.ts'
import { SKILL_FILE } from '../core/skill.ts'
import { deliveryIds, readDeliveries } from '../store/deliveries.ts'
import { hashBytes, readText } from '../store/files.ts'
import { AT, deliveryFile, deliveryFolder, placesOf } from '../store/layout.ts'
import { planUpgrade, upgradeChanges } from '../store/workspace-upgrade.ts'
import { type Act, type Script, taskText } from './instant-runner.ts'
import { GATED_LOOP, GATED_MODE, SHORT_LOOP, SHORT_MODE } from './loops.ts'
import { RECEIVED, RECEIVER, ROOT } from './scene.ts'
import { posting, type Story, succeeding } from './story.ts'

const at = (relative: string): string => path.join(ROOT, 'millrace-agents', relative)
const PLANNED = ['PLANNER_COMPLETE', 'MANAGER_COMPLETE']
const INVALID = 'odd.md.invalid'
const OLD = 'As an older package had it.'
const MISSING = ['entrypoints/execution/fixer.md', 'outline.md']
const OLD_DELIVERY = 'closed-0123456789abcdef'
const RULES = `[notify.rules.told]
on = ["blocked"]
command = ["${RECEIVER}"]
[notify.rules.unheard]
on = ["blocked"]
command = ["nowhere"]
attempts_max = 1
`
const CRAFT = {
  skill_id: 'craft',
  folder: 'skills/craft',
  files: [
    { path: SKILL_FILE, text: '---\nname: craft\ndescription: How it is done.\n---\n\n# Craft\n' },
    { path: 'picture.bin', base64: '//4=' },
  ],
  replaces: [SKILL_FILE, 'more.md'],
  source: '/elsewhere/craft',
}
const BUILT = ['BUILDER_COMPLETE', 'CHECKER_PASS', 'UPDATE_COMPLETE']

/** One kind of stage does something else than succeed. */
const unless = (kind: string, act: (...given: Parameters<Script>) => ReturnType<Script> | null): Script => {
  return (...given) => (given[0].stage_kind_id === kind ? act(...given) : null) ?? succeeding()(...given)
}

export const STORIES: readonly Story[] = [
  {
    name: 'first start',
    about: 'control',
    tells: 'a runtime is started for the first time and puts its plan in force',
    isFresh: true,
    begin: () => {},
    script: succeeding(),
    ends: {},
    outcomes: [],
  },
  {
    name: 'task',
    about: 'execution',
    tells: 'a task is claimed, its stages are started and settled, it is done',
    begin: ({ task }) => task('a'),
    script: succeeding(),
    ends: { 'task a': 'done' },
    outcomes: BUILT,
  },
  {
    name: 'recovery',
    about: 'execution',
    tells: 'a blocked stage is repaired, and a fix round is made',
    begin: ({ task }) => task('a'),
    script: succeeding({ builder: ['BLOCKED'], checker: ['FIX_NEEDED'] }),
    ends: { 'task a': 'done' },
    outcomes: [
      'BLOCKED',
      'TROUBLESHOOT_COMPLETE',
      'BUILDER_COMPLETE',
      'FIX_NEEDED',
      'FIXER_COMPLETE',
      'DOUBLECHECK_PASS',
      'UPDATE_COMPLETE',
    ],
    also: (files) => has(JSON.parse(readText(files, at('state/recovery_counters.json')) ?? '').entries, 0, 'budgets'),
  },
  {
    name: 'handoff',
    about: 'execution',
    tells: 'a task that cannot be repaired is handed to planning as an incident, which is blocked',
    begin: ({ task }) => task('a'),
    script: succeeding({
      builder: ['BLOCKED'],
      troubleshooter: ['BLOCKED', 'BLOCKED'],
      consultant: ['NEEDS_PLANNING'],
      auditor: ['BLOCKED'],
      mechanic: ['BLOCKED', 'BLOCKED'],
    }),
    ends: { 'task a': 'blocked', 'incident incident-a-*': 'blocked' },
    outcomes: ['BLOCKED', 'BLOCKED', 'BLOCKED', 'NEEDS_PLANNING', 'BLOCKED', 'BLOCKED', 'BLOCKED'],
  },
  {
    name: 'root spec',
    about: 'planning',
    tells: 'a spec is planned, its task built, and the arbiter passes it',
    begin: ({ rootSpec }) => rootSpec('root'),
    script: succeeding(),
    ends: { 'spec root': 'done', 'task root-task': 'done' },
    outcomes: [...PLANNED, ...BUILT, 'ARBITER_COMPLETE'],
    also: (files) => closed(files, { closure_open: false, rounds: 1 }),
  },
  {
    name: 'gap',
    about: 'planning',
    tells: 'the arbiter finds a gap, which becomes an incident, a task, and a pass in the next round',
    begin: ({ rootSpec }) => rootSpec('root'),
    script: unless('arbiter', (_request, _attempt, files) =>
      (files.list(at('incidents/resolved')) ?? []).length === 0 ? 'REMEDIATION_NEEDED' : null,
    ),
    ends: {
      'spec root': 'done',
      'task root-task': 'done',
      'incident arbiter-gap-root-*': 'done',
      'task arbiter-gap-root-*': 'done',
    },
    outcomes: [
      ...PLANNED,
      ...BUILT,
      'REMEDIATION_NEEDED',
      'AUDITOR_COMPLETE',
      ...PLANNED,
      ...BUILT,
      'ARBITER_COMPLETE',
    ],
    also: (files) => closed(files, { closure_open: false, rounds: 2 }),
  },
  {
    name: 'held closure',
    about: 'planning',
    tells: 'the arbiter is blocked, its target is held and judged again later',
    begin: ({ rootSpec }) => rootSpec('root'),
    script: unless('arbiter', (_request, _attempt, files) => (judgements(files) === 0 ? 'BLOCKED' : null)),
    ends: { 'spec root': 'done', 'task root-task': 'done' },
    outcomes: [...PLANNED, ...BUILT, 'BLOCKED', 'ARBITER_COMPLETE'],
    also: (files) => closed(files, { closure_open: false, rounds: 2 }),
  },
  {
    name: 'commands',
    about: 'control',
    tells:
      'work is added, taken away, retried and reordered, a key of the config set, a skill replaced, the runtime paused and resumed, a command refused',
    async begin({ task, file, command }) {
      task('unwanted')
      task('again', {}, 'blocked')
      file(`millrace-agents/incidents/incoming/${INVALID}`, 'Nothing of it is left.\n')
      file(`millrace-agents/skills/craft/${SKILL_FILE}`, 'What somebody had written.\n')
      file('millrace-agents/skills/craft/more.md', 'And more of it.\n')
      await command('pause')
      await command('cancel_work_item', { work_item_id: 'unwanted' })
      await command('retry_work_item', { work_item_id: 'again' })
      await command('add_task', { text: taskText('added') })
      await command('reorder_queue', { work_item_ids: ['again'], place: 'first' })
      await command('archive_invalid_incident', { filename: INVALID, reason: 'nothing to see' })
      await command('set_config', { key: 'recovery.max_fix_cycles', value: '3' })
      await command('install_skill', CRAFT)
      await command('add_idea', { source_name: 'wish.md', markdown: '# A wish\n\nMake it so.\n' })
      await command('resume')
      await command('no_such_command')
    },
    script: succeeding({ planner: ['BLOCKED', 'BLOCKED', 'BLOCKED'], mechanic: ['BLOCKED', 'BLOCKED', 'BLOCKED'] }),
    ends: {
      'spec idea-wish': 'blocked',
      'task unwanted': 'cancelled',
      'task again': 'done',
      'task added': 'done',
    },
    outcomes: ['BLOCKED', 'BLOCKED', 'BLOCKED', ...BUILT, ...BUILT],
    also: (files) => [
      ...has(lines(files, at('state/interventions.jsonl')), 5, 'interventions'),
      ...has(files.list(at('incidents/incoming/invalid-archived')) ?? [], 1, 'archived documents'),
      ...has((readText(files, at('millrace.toml')) ?? '').match(/max_fix_cycles = 3/g) ?? [], 1, 'settings'),
      ...has((readText(files, at(`skills/craft/${SKILL_FILE}`)) ?? '').match(/^# Craft$/gm) ?? [], 1, 'new skills'),
      ...has(lines(files, at(AT.skillOperations)), 1, 'operations on skills'),
      ...has(keptOf(files), 2, 'kept files of the old skill'),
      ...has(JSON.parse(readText(files, at(AT.order)) ?? '{}').ids_by_kind?.task ?? [], 2, 'tasks in their order'),
      ...has(files.list(at('state/mailbox/failed')) ?? [], 1, 'refused commands'),
    ],
  },
  {
    name: 'stop',
    about: 'control',
    tells: 'the runtime is stopped in the middle of a stage; the next one runs the stage again',
    begin: ({ task }) => task('a'),
    script: unless('builder', ({ previous_attempt }) => (previous_attempt === null ? until('stop') : null)),
    ends: { 'task a': 'done' },
    outcomes: BUILT,
  },
  {
    name: 'cancel',
    about: 'control',
    tells: 'a run is cancelled in the middle of a stage; its item is blocked',
    begin: ({ task }) => task('a'),
    script: unless('builder', ({ run_id }) => until('cancel_run', { run_id })),
    ends: { 'task a': 'blocked' },
    outcomes: [],
  },
  {
    name: 'notification',
    about: 'control',
    tells: 'an item is blocked, which one receiver is told and the other cannot be; a record of old is put away',
    begin({ task, file }) {
      task('a')
      file('millrace-agents/millrace.toml', RULES)
      file(`millrace-agents/${deliveryFile('done', OLD_DELIVERY)}`, '{}\n')
    },
    script: unless('builder', ({ run_id }) => until('cancel_run', { run_id })),
    first: (engine) => engine.commit([{ change: 'delivery.forget', state: 'done', delivery_id: OLD_DELIVERY }]),
    ends: { 'task a': 'blocked' },
    outcomes: [],
    also(files) {
      const done = blockedIn(files, 'done')
      const received = [...new Set(lines(files, RECEIVED).filter((id) => DELIVERY_ID.test(id)))]
      const recorded = deliveryIds(files, placesOf(ROOT), 'done')
      return [
        ...has(files.list(at(deliveryFolder('pending'))) ?? [], 0, 'deliveries that wait'),
        ...has(blockedIn(files, 'failed'), 1, 'deliveries given up'),
        ...has(done, 1, 'deliveries carried out'),
        ...has(
          done.filter((id) => received.includes(id)),
          1,
          'deliveries that arrived',
        ),
        ...has(
          received.filter((id) => !recorded.includes(id)),
          0,
          'deliveries that arrived without a record',
        ),
      ]
    },
  },
  {
    name: 'requeue',
    about: 'control',
    tells: 'a run is started over in the middle of a stage; its item goes back to the queue and through',
    begin: ({ task }) => task('a'),
    script: unless('builder', ({ previous_attempt }, _attempt, files) =>
      previous_attempt !== null || files.stat(at('tasks/queue/a.requeue.jsonl')) !== null
        ? null
        : until('retry_active'),
    ),
    ends: { 'task a': 'done' },
    outcomes: BUILT,
  },
  {
    name: 'reload',
    about: 'control',
    tells: 'the config is edited and reloaded while a stage runs',
    begin: ({ task }) => task('a'),
    script: unless('builder', () => ({
      outcome: 'BUILDER_COMPLETE',
      async meanwhile(files, clock) {
        await saved(files, at('millrace.toml'), '[stages.checker]\ntimeout_seconds = 77\n')
        await posting('reload_config')(files, clock)
      },
    })),
    ends: { 'task a': 'done' },
    outcomes: BUILT,
  },
  {
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
  },
  {
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
  },
  {
    name: 'auto-recovery',
    about: 'control',
    tells:
      'a task is blocked because its time ran out, while another waits for it; it is put back by itself, twice, and both are done',
    begin({ task, file }) {
      file('millrace-agents/graphs/execution/short.json', JSON.stringify(SHORT_LOOP))
      file('millrace-agents/modes/short.json', JSON.stringify(SHORT_MODE))
      file('millrace-agents/millrace.toml', `[runtime]\ndefault_mode = "short"\n${SHORT_COOLDOWN}`)
      task('a')
      task('b', { depends_on: ['a'] })
    },
    script: unless('builder', ({ active_work_item_id: id }, _attempt, files) =>
      id === 'a' && autoRequeues(files, 'a') < 2 ? { outcome: null, isLate: true } : null,
    ),
    ends: { 'task a': 'done', 'task b': 'done' },
    outcomes: ['BLOCKED', 'BLOCKED', 'BUILDER_COMPLETE', 'BUILDER_COMPLETE'],
    also: (files) => [
      ...has(lines(files, at('tasks/queue/a.requeue.jsonl')), 2, 'ways back into the queue'),
      ...has(
        lines(files, at(AT.events)).filter((line) => line.includes('"blocked_dependency_auto_requeued"')),
        2,
        'accounts of a way back',
      ),
      ...has(files.list(at('diagnostics/blocked')) ?? [], 0, 'records of blocks'),
    ],
  },
  {
    name: 'broken documents',
    about: 'control',
    tells: 'a document nobody can read is set aside, and one that no run owns goes back to its queue',
    begin({ task, file }) {
      task('lost', {}, 'active')
      file('millrace-agents/tasks/queue/broken.md', '# Not a task\n')
    },
    script: succeeding(),
    ends: { 'task lost': 'done' },
    outcomes: BUILT,
    also: (files) =>
      has(
        (files.list(at('tasks/queue')) ?? []).filter((name) => name.startsWith('broken')),
        2,
        'files of the broken document',
      ),
  },
  {
    name: 'log rotation',
    about: 'control',
    tells: 'the event log is put aside',
    begin: ({ task }) => task('a'),
    script: succeeding(),
    first: (engine) => engine.commit([{ change: 'log.rotate', path: AT.events }]),
    ends: { 'task a': 'done' },
    outcomes: BUILT,
  },
  {
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
      await command('collect_garbage', {
        limits: { ...NO_LIMITS, runs_max: 1 },
      })
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
  },
  {
    name: 'rewritten document',
    about: 'control',
    tells: 'a queued document is written anew',
    begin: ({ task }) => task('a'),
    script: succeeding(),
    async first(engine) {
      const { hash } = engine.workspace.view().read('task', 'a', 'queued')!
      const text = taskText('a', { title: 'Something else' })
      await engine.commit([{ change: 'item.rewrite', kind: 'task', id: 'a', state: 'queued', text, hash }])
    },
    ends: { 'task a': 'done' },
    outcomes: BUILT,
  },
  {
    name: 'upgrade',
    about: 'control',
    tells: 'a workspace is brought up to the package: files that are old or missing are written',
    begin({ task, file, files }) {
      task('a')
      const old = `${OLD}\n`
      file('millrace-agents/entrypoints/execution/updater.md', old)
      const manifest = JSON.parse(readText(files, at(AT.baseline)) ?? '') as BaselineManifest
      const originals = originalsOf(manifest).set('entrypoints/execution/updater.md', hashBytes(old))
      file(`millrace-agents/${AT.baseline}`, manifestText(manifestOf('0.0.1', originals)))
      for (const missing of MISSING) files.unlink(at(missing))
    },
    script: succeeding(),
    async first(engine) {
      const { files, places } = engine.workspace
      const plan = planUpgrade({ files, places, packageRoot: engine.ports.packageRoot, version: '0.0.2' })
      await engine.commit(upgradeChanges(plan, engine.workspace.view().now, files, places))
    },
    ends: { 'task a': 'done' },
    outcomes: BUILT,
    also(files) {
      const upgrades = lines(files, at(AT.events)).filter((line) => line.includes('workspace_upgraded')).length
      const old = lines(files, at('entrypoints/execution/updater.md')).filter((line) => line === OLD)
      // All of it or nothing: a runtime after the crash is not asked to upgrade.
      return [
        ...has(old, 1 - upgrades, 'old lines'),
        ...has(
          MISSING.filter((file) => files.stat(at(file)) === null),
          upgrades === 1 ? 0 : MISSING.length,
          'missing files',
        ),
      ]
    },
  },
  {
    name: 'carried out before',
    about: 'control',
    tells: 'a command comes back whose archive a crash had kept; it is put away and not carried out again',
    async begin({ task, file, command }) {
      task('a')
      const id = await command('cancel_work_item', { work_item_id: 'a' })
      file(`millrace-agents/state/mailbox/processed/${id}.json`, '{}\n')
      const told = { event_type: 'mailbox_command_applied', data: { command_id: id } }
      const event = { schema_version: '1.0', kind: 'runtime_event', occurred_at: '2026-03-01T10:00:00Z', ...told }
      file('millrace-agents/logs/runtime_events.jsonl', `${JSON.stringify(event)}\n`)
    },
    script: succeeding(),
    ends: { 'task a': 'done' },
    outcomes: BUILT,
  },
  {
    name: 'done by hand',
    about: 'control',
    tells: 'a person copies the document of a running stage to where finished ones lie; it is not finished twice',
    begin: ({ task }) => task('a'),
    script: unless('updater', () => ({
      outcome: 'UPDATE_COMPLETE',
      meanwhile: (files) => files.write(at('tasks/done/a.md'), files.read(at('tasks/active/a.md')) ?? ''),
    })),
    ends: { 'task a': 'done' },
    outcomes: BUILT,
    hasHands: true,
  },
  {
    name: 'withdrawal',
    about: 'control',
    tells: 'a person takes the document of a running stage away; the run ends and the document stays there',
    begin: ({ task }) => task('a'),
    script: unless('builder', () => ({
      outcome: null,
      meanwhile: (files) => files.rename(at('tasks/active/a.md'), at('tasks/blocked/a.md')),
    })),
    ends: { 'task a': 'blocked' },
    outcomes: [],
    hasHands: true,
  },
]

/** Ids of the deliveries of a state that tell of a blocked item, not of a run that was held on the way. */
const blockedIn = (files: Files, state: DeliveryState): string[] =>
  readDeliveries(files, placesOf(ROOT), state)
    .filter(({ delivery }) => delivery.payload.event_type === 'work_item_blocked')
    .map(({ delivery }) => delivery.delivery_id)

const SHORT_COOLDOWN = '[auto_recovery]\ncooldown_seconds = [2, 5]\n'

/** How often an item was put back by the runtime itself. */
const autoRequeues = (files: Files, id: string): number =>
  lines(files, at(`tasks/queue/${id}.requeue.jsonl`)).filter((line) => line.includes('"auto":true')).length

/** What a stage does, and beside it: the first question is approved during one stage, the next denied during another. */
const asAnswered = (request: StageRequest, outcome: ReturnType<Script>, approved: string, denied: string) => {
  const at = `${request.stage_kind_id} ${request.active_work_item_id}`
  const verb = at === approved ? 'approve' : at === denied ? 'deny' : null
  return verb === null ? outcome : { outcome: outcome as string, meanwhile: answering(verb) }
}

/** Answers the question that waits, if there is one. */
const answering = (verb: string) => async (files: Files, clock: Clock) => {
  const [name] = files.list(at('approvals/pending')) ?? []
  if (name === undefined) return
  await posting(`${verb}_execution_capability`, { approval_id: name.replace(/\.json$/, '') })(files, clock)
}
const NO_LIMITS: RetentionLimits = {
  runs_days: 0,
  runs_max: 0,
  runs_mib_max: 0,
  runs_keep: 0,
  logs_days: 0,
  logs_mib_max: 0,
  mailbox_days: 0,
  scratch_days: 0,
  hidden_refs_days: 0,
}
const REMOVED = '"removed":{"plan":{"bytes":3,"count":1},"run":{"bytes":'

/** The stage asks for a command, then works until it is stopped. */
const until = (command: string, payload: Record<string, unknown> = {}): Act => ({
  outcome: null,
  meanwhile: posting(command, payload),
})

/** Saves a file as a careful editor does. */
async function saved(files: Files, file: string, text: string): Promise<void> {
  files.write(`${file}.new`, text)
  await files.flush([`${file}.new`])
  files.rename(`${file}.new`, file)
  await files.flush([path.dirname(file)])
}

interface Target {
  closure_open: boolean
  rounds: number
}

const target = (files: Files): Partial<Target> =>
  JSON.parse(readText(files, at('arbiter/targets/root.json')) ?? '{}') as Partial<Target>

const judgements = (files: Files): number => target(files).rounds ?? 0

function closed(files: Files, expected: Target): string[] {
  const { closure_open, rounds } = target(files)
  const isRight = closure_open === expected.closure_open && rounds === expected.rounds
  return isRight ? [] : [`the closure target says closure_open=${closure_open} after ${rounds} rounds`]
}

const lines = (files: Files, file: string): string[] => (readText(files, file) ?? '').split('\n').slice(0, -1)

/** What was kept of skills that were replaced. */
const keptOf = (files: Files): string[] =>
  (files.list(at('skills/.replaced')) ?? []).flatMap((name) => files.list(at(`skills/.replaced/${name}`)) ?? [])

const has = (found: readonly unknown[], count: number, what: string): string[] =>
  found.length === count ? [] : [`${found.length} ${what}, not ${count}`]

/**
 * A workspace in which much has happened, made by real runs of the small agents: work that was done, judged, blocked,
 * cancelled, interrupted and paused. Verbs are tried in copies of it, so that none sees what another has done.
 */
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'
import { deliveryText, newDelivery } from '../../../src/core/delivery.ts'
import { newDocument, renderDocument } from '../../../src/core/document.ts'
import { PACKAGE_ROOT, type Reply, Rig, reply, task } from '../../rig/runtime.ts'

const SPENDER = path.resolve(import.meta.dirname, '../../agents/spender.mjs')
/** Builders use tokens, so that there is something to count. */
const CONFIG = `[runners.codex]
command = ${JSON.stringify(process.execPath)}
args = [${JSON.stringify(SPENDER)}, "exec"]
env = { SPEND = "60,40", SPEND_MS = "0" }
`
const RULES = `[notify.rules.me]
on = ["blocked", "approval"]
command = ["/bin/sh", "-c", "exit 0"]
[notify.rules.nobody]
on = ["daemon_down"]
command = ["no-such-program"]
`
const RULE = `[usage_governance]
enabled = true
[[usage_governance.runtime_token_rules.rules]]
rule_id = "a-day"
window = "rolling_1d"
threshold = 1
`

const SKILL = `---
name: craft
description: How it is done well.
---

# Craft

Do it, and look again.
`

/** What the command lines of the samples name in braces. */
export interface Known {
  /** Folder outside every workspace, for what a command is to make. */
  outside: string
  done_run: string
  active_run: string
  closure_run: string
  plan: string
  /** The question that waits in `awaiting`. */
  approval: string
}

/**
 * Where a verb is tried. `worked`: where much has happened. `new`: as init leaves it. `planning`: in the middle of
 * planning a spec. `asking`: new, with a mode that takes every kind of work. `told`: new, with rules of notification, and
 * one that did not arrive. `awaiting`: T-asks waits for a person's answer. `empty`: no workspace at all.
 */
export type Stage = 'worked' | 'new' | 'planning' | 'asking' | 'told' | 'awaiting' | 'empty'

export interface Scene {
  /** A fresh copy to try one command in, and what its command line may name. */
  copy(stage: Stage): { cwd: string; known: Known }
  /** One copy for everything that only reads: files are many, and copying them is most of the work. */
  shared(stage: Stage): { cwd: string; known: Known }
  dispose(): void
}

export async function makeScene(): Promise<Scene> {
  const top = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-scene-')))
  const rigs = {
    new: await Rig.create(),
    planning: await Rig.create(),
    asking: await Rig.create(),
    told: await Rig.create({ config: RULES }),
    awaiting: await Rig.create({ config: '[stages.builder]\nrequired_capabilities = ["git.mutate"]\n' }),
    worked: await Rig.create({ config: CONFIG }),
  }
  takeEveryKind(rigs.asking)
  fs.mkdirSync(path.join(rigs.new.root, 'craft'))
  fs.writeFileSync(path.join(rigs.new.root, 'craft/SKILL.md'), SKILL)
  failToTell(rigs.told)
  rigs.awaiting.addTask('T-asks', { title: 'Tag the release' })
  await rigs.awaiting.work()
  rigs.planning.addSpec('S-1')
  await rigs.planning.ticks(1)
  const [asked] = rigs.awaiting.list('approvals/pending')
  const known = { ...(await work(rigs.worked)), approval: asked!.replace(/\.json$/, '') }
  let copies = 0
  const copied = new Map<Stage, ReturnType<Scene['copy']>>()
  const scene: Scene = {
    shared(stage) {
      const place = copied.get(stage) ?? scene.copy(stage)
      copied.set(stage, place)
      return place
    },
    copy(stage) {
      const cwd = path.join(top, `w${copies++}`)
      const outside = `${cwd}-outside`
      if (stage === 'empty') fs.mkdirSync(cwd)
      // With the times of its folders too: they say which run is the newest.
      else execFileSync('cp', ['-a', rigs[stage].root, cwd])
      return { cwd, known: { ...known, outside } }
    },
    dispose() {
      for (const rig of Object.values(rigs)) rig.dispose()
      fs.rmSync(top, { recursive: true, force: true })
    },
  }
  return scene
}

/** A notification that was given up. */
function failToTell(rig: Rig): void {
  const given = { delivery_id: 'blocked-00112233aabbccdd', channel: 'notify', recipient: 'me' } as const
  const payload = { event: 'blocked', text: 'task T-1 is blocked: no key' }
  const over = { attempts: 8, last_error: 'it ended with exit status 1', ended_at: '2026-03-01T10:30:00.000Z' }
  const delivery = { ...newDelivery('2026-03-01T10:00:00.000Z', { ...given, payload }), ...over }
  rig.place(`state/deliveries/failed/${given.delivery_id}.json`, deliveryText(delivery))
}

async function work(rig: Rig): Promise<Omit<Known, 'outside' | 'approval'>> {
  repository(rig.root)
  const builders = rig.json<{ stage_runner_bindings: Record<string, string> }>('modes/scripted.json')
  rig.mode({ stage_runner_bindings: { ...builders.stage_runner_bindings, builder: 'codex_cli' } })
  // One spec goes all the way to its verdict.
  rig.replies([planned('S-1', 'T-retries')])
  rig.addRootSpec('S-1', { title: 'Retry budget' })
  await rig.work()
  const closure = runOf(rig, (data) => data.stage === 'arbiter')
  // Another cannot be judged, and keeps its target open.
  rig.replies([
    planned('S-2', 'T-limits'),
    reply('arbiter', 'BLOCKED', { item: 'S-2' }),
    reply('checker', 'BLOCKED', { item: 'T-blocked' }),
    reply('troubleshooter', 'BLOCKED', { item: 'T-blocked' }),
    reply('consultant', 'BLOCKED', { item: 'T-blocked' }),
    { stage: 'checker', item: 'T-active', steps: [{ say: 'checking' }], outcome: null, exit_code: 1 },
  ])
  rig.addRootSpec('S-2', { title: 'Upload limits' })
  await rig.work()
  rig.addTask('T-done', { title: 'Add a login page' })
  await rig.work()
  const done = runOf(rig, (data) => data.work_item_id === 'T-done')
  rig.addTask('T-blocked', { title: 'Mend the session cookie — “twice” 修理' })
  await rig.work()
  rig.addTask('T-waits', { title: 'Log out everywhere', depends_on: ['T-blocked', 'T-nowhere'], tags: ['login'] })
  rig.addTask('T-next', { title: 'Remember me', depends_on: ['T-waits'] })
  rig.addTask('T-dropped')
  await rig.issue('cancel_work_item', { work_item_id: 'T-dropped', reason: 'not needed' })
  rig.addTask('T-active', { title: 'Rate limits for the API', created_at: '2026-03-01T09:00:00Z' })
  await rig.ticks(1)
  rig.place('tasks/queue/T-odd.md', '# Half a document\n')
  rig.place('tasks/quarantine/T-apart.md', renderDocument(newDocument('task', task('T-apart'))))
  rig.config(`${CONFIG}${RULE}`)
  await rig.ticks(1)
  await rig.issue('pause', { reason: 'release day' })
  // Of S-2 by its idea, and named for a root spec there is not: what doctor tells, and repair-lineage sets right.
  rig.addIncident('I-1', { title: 'Uploads stall', severity: 'high', root_spec_id: 'S-9', root_idea_id: 'S-2' })
  rig.addIncident('I-2', { title: 'Sessions end early', source_task_id: 'T-done' }, 'resolved')
  rig.place('incidents/incoming/I-odd.md.invalid', '# Half an incident\n')
  rig.place('logs/daemon.log', 'runtime started\nidle\nstopped: SIGTERM\n')
  const active = rig.list('runs').find((id) => rig.view((view) => view.snapshot.active_runs[0]?.run_id === id))
  if (active === undefined) throw new Error('no run is active in the scene')
  const plan = rig.view((view) => view.snapshot.compiled_plan_id)
  return { done_run: done, active_run: active, closure_run: closure, plan }
}

/** The mode in force with planning taking every kind of work, and its loop with an entry for each. */
function takeEveryKind(rig: Rig): void {
  const loop = JSON.parse(fs.readFileSync(path.join(PACKAGE_ROOT, 'graphs/planning/standard.json'), 'utf8'))
  const entries = ['probe', 'learning_request'].map((entry_key) => ({ entry_key, node_id: 'planner' }))
  rig.place(
    'graphs/planning/standard.json',
    JSON.stringify({ ...loop, entry_nodes: [...loop.entry_nodes, ...entries] }),
  )
  const planning = { plane: 'planning', kinds: ['probe', 'learning_request', 'incident', 'spec'] }
  rig.mode({ claim_order: { planes: [planning, { plane: 'execution', kinds: ['task'] }] } })
}

/** The manager cuts a spec into one task of that id. */
function planned(spec: string, id: string): Reply {
  const text = renderDocument(newDocument('task', { ...task(id), title: `Part of ${spec}`, spec_id: spec }))
  return reply('manager', 'MANAGER_COMPLETE', {
    item: spec,
    steps: [{ hand_in: { kind: 'task', id, text } }, { artifacts: true }],
  })
}

function runOf(rig: Rig, isMeant: (started: Record<string, unknown>) => boolean): string {
  const started = rig.log('stage_started').find(isMeant)
  if (started === undefined) throw new Error('the scene went another way')
  return String(started.run_id)
}

/** A repository with one commit and an edit nobody has committed. */
function repository(root: string): void {
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=T', '-c', 'user.email=t@example.invalid', ...args], { cwd: root })
  fs.mkdirSync(path.join(root, 'src'))
  fs.writeFileSync(path.join(root, 'src/login.ts'), 'export const login = 1\n')
  git('init', '--quiet')
  git('add', 'src')
  git('commit', '--quiet', '-m', 'first')
  fs.writeFileSync(path.join(root, 'src/login.ts'), 'export const login = 2\n')
}

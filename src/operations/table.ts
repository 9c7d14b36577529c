/**
 * The operations table: every operator verb, once. Surfaces project it; a verb's module is loaded only when it is
 * used, so that `status` stays as quick as bare Node.
 */
import type { Operation } from '../core/operation.ts'
import type { Context } from './context.ts'

// biome-ignore lint/suspicious/noExplicitAny: inputs differ from verb to verb; each is checked against its own fields.
export type AnyOperation = Operation<Context, any, any>

export interface TableEntry {
  /** Canonical spelling. */
  name: string
  summary: string
  load: () => Promise<AnyOperation>
}

const approvals = () => import('./approvals.ts')
const assets = () => import('./assets/assets.ts')
const loops = () => import('./assets/loops.ts')
const models = () => import('./assets/models.ts')
const modes = () => import('./assets/modes.ts')
const stages = () => import('./assets/stages.ts')
const closure = () => import('./closure.ts')
const completion = () => import('./completion.ts')
const config = () => import('./config/config.ts')
const configSet = () => import('./config/set.ts')
const control = () => import('./control.ts')
const daemon = () => import('./daemon/daemon.ts')
const daemonUnit = () => import('./daemon/install.ts')
const daemonLogs = () => import('./daemon/logs.ts')
const daemonStatus = () => import('./daemon/status.ts')
const demo = () => import('./demo.ts')
const docs = () => import('./docs.ts')
const doctor = () => import('./doctor/doctor.ts')
const health = () => import('./doctor/health.ts')
const gc = () => import('./gc.ts')
const incidents = () => import('./incidents.ts')
const logs = () => import('./logs.ts')
const notify = () => import('./notify/notify.ts')
const planDiff = () => import('./plan/diff.ts')
const plan = () => import('./plan/plan.ts')
const queueAdd = () => import('./queue/add.ts')
const queueChange = () => import('./queue/change.ts')
const queueNew = () => import('./queue/new.ts')
const queue = () => import('./queue/queue.ts')
const rescue = () => import('./rescue/rescue.ts')
const run = () => import('./run.ts')
const runs = () => import('./runs/runs.ts')
const schema = () => import('./schema.ts')
const selftest = () => import('./selftest.ts')
const skillsExport = () => import('./skills/export.ts')
const skillsInstall = () => import('./skills/install.ts')
const skills = () => import('./skills/skills.ts')
const start = () => import('./start.ts')
const status = () => import('./status/status.ts')
const usage = () => import('./usage/usage.ts')
const version = () => import('./version.ts')
const why = () => import('./why/why.ts')
const init = () => import('./workspace/init.ts')
const upgrade = () => import('./workspace/upgrade.ts')

/** `from`: loads the module of the verb; `operation`: what the module calls it. */
const verb = <Name extends string>(
  name: string,
  summary: string,
  from: () => Promise<Record<Name, AnyOperation>>,
  operation: Name,
): TableEntry => ({ name, summary, load: async () => (await from())[operation] })

export const OPERATIONS: readonly TableEntry[] = [
  verb('init', 'Make a workspace.', init, 'init'),
  verb('upgrade', 'Bring a workspace up to the package, and keep what was edited.', upgrade, 'upgrade'),
  verb('demo', 'Watch one spec go through the whole runtime, on a sample.', demo, 'demo'),
  verb(
    'selftest crash',
    'Crash the runtime on this file system, and see that nothing is lost.',
    selftest,
    'selftestCrash',
  ),
  verb('status', 'What goes on, and what stands in the way.', status, 'status'),
  verb('why', 'Why an item, a run or a plane stands where it stands.', why, 'why'),
  verb('queue ls', 'What is queued, active and blocked.', queue, 'ls'),
  verb('queue show', 'One work item in full.', queue, 'show'),
  verb('queue add-task', 'Queue a task.', queueAdd, 'addTask'),
  verb('queue add-spec', 'Queue a spec, to be planned into tasks.', queueAdd, 'addSpec'),
  verb('queue add-idea', 'Drop an idea, to become a spec.', queueAdd, 'addIdea'),
  verb('queue add-probe', 'Queue a probe: a question to look into before any work is decided.', queueAdd, 'addProbe'),
  verb('queue add-learning-request', 'Queue a lesson that is to become a skill.', queueAdd, 'addLearningRequest'),
  verb('queue new', 'Be asked for a task or a spec, question by question.', queueNew, 'queueNew'),
  verb('queue retry', 'Put a blocked item back into its queue.', queueChange, 'retry'),
  verb('queue cancel', 'Take an item out of its queue for good.', queueChange, 'cancel'),
  verb('queue reorder', 'Say in which order a queue is worked through.', queueChange, 'reorder'),
  verb('queue cleanup quarantine', 'Set an item aside until it is released.', queueChange, 'quarantine'),
  verb('queue release', 'Bring an item back that was set aside.', queueChange, 'release'),
  verb('queue archive-blocked', 'Put a blocked task away for good.', queueChange, 'archiveBlocked'),
  verb('queue supersede', 'Put another task in the place of one.', queueChange, 'supersede'),
  verb('queue retarget-dependency', 'Have a queued task wait for another one.', queueChange, 'retargetDependency'),
  verb(
    'queue repair-lineage',
    'Find work that names a wrong root spec, and set it right.',
    queueChange,
    'repairLineage',
  ),
  verb('incidents resolve', 'Say that an incident has been seen to.', queueChange, 'incidentsResolve'),
  verb('incidents cancel', 'Drop an incident.', queueChange, 'incidentsCancel'),
  verb(
    'incidents archive-invalid',
    'Put away an incident document nobody can read.',
    queueChange,
    'incidentsArchiveInvalid',
  ),
  verb('run once', 'Run one stage, or find that there is nothing to do.', run, 'runOnce'),
  verb('run daemon', 'Run in the foreground until stopped.', run, 'runDaemon'),
  verb('start', 'Take one item through its plane, or run until stopped.', start, 'start'),
  verb('daemon start', 'Start a daemon that goes on without this terminal.', daemon, 'daemonStart'),
  verb('daemon stop', 'Stop the daemon and wait until its process is gone.', daemon, 'daemonStop'),
  verb('daemon status', 'The process that owns the workspace: pid, age, memory, log.', daemonStatus, 'daemonStatus'),
  verb('daemon logs', 'What the daemon itself printed.', daemonLogs, 'daemonLogs'),
  verb('daemon install', 'Have systemd or launchd start the daemon.', daemonUnit, 'daemonInstall'),
  verb('daemon uninstall', 'Take away what `daemon install` wrote.', daemonUnit, 'daemonUninstall'),
  verb('runs ls', 'Runs, newest first.', runs, 'ls'),
  verb('runs show', 'One run: its stages, times, tokens and artifacts.', runs, 'show'),
  verb('runs trace', 'The path one run took, edge by edge.', runs, 'trace'),
  verb(
    'runs provenance',
    'Why a run went as it did: what was frozen for it, and what would be chosen now.',
    runs,
    'provenance',
  ),
  verb('runs tail', 'The last report of a run.', runs, 'tail'),
  verb('runs follow', 'What the agent of a run does now, until the run ends.', runs, 'follow'),
  verb('approvals ls', 'What waits for a person to allow or deny it.', approvals, 'approvalsLs'),
  verb(
    'approvals show',
    'One question to a person: what it is about, who asks, what was answered.',
    approvals,
    'approvalsShow',
  ),
  verb(
    'approvals approve',
    'Allow what a stage asks for; its item goes on at the same node.',
    approvals,
    'approvalsApprove',
  ),
  verb('approvals deny', 'Do not allow what a stage asks for.', approvals, 'approvalsDeny'),
  verb(
    'incidents ls',
    'Incidents by state: what went wrong, how bad it is, and where it came from.',
    incidents,
    'incidentsLs',
  ),
  verb('closure ls', 'Root specs that are judged as a whole: open, held and closed.', closure, 'closureLs'),
  verb('closure show', 'One closure target: verdict, rounds, and the work it waits for.', closure, 'closureShow'),
  verb('logs', 'The event log: what happened, and what happens.', logs, 'logs'),
  verb('usage', 'What stages used: tokens and cost, and what the rules leave.', usage, 'usage'),
  verb('notify ls', 'Who is told of what, and which notifications did not arrive.', notify, 'notifyLs'),
  verb('notify test', 'Send a test notification and say whether it arrived.', notify, 'notifyTest'),
  verb('notify retry', 'Send notifications again that were given up.', notify, 'notifyRetry'),
  verb('notify check', 'Tell of a runtime that died, and send what waits; for cron.', notify, 'notifyCheck'),
  verb('rescue ls', 'Working trees kept before each stage.', rescue, 'list'),
  verb('rescue show', 'How the working tree differs from a kept one, or one kept file.', rescue, 'show'),
  verb('rescue restore', 'Bring files of a kept tree back.', rescue, 'restore'),
  verb('control pause', 'Start nothing new; running stages go on.', control, 'pause'),
  verb('control resume', 'Clear the operator pause and go on.', control, 'resume'),
  verb('control stop', 'End the runtime; active runs are taken up at the next start.', control, 'stop'),
  verb('control cancel', 'End one run and block its item.', control, 'cancel'),
  verb('control retry-active', 'Put the active item back into its queue and start over.', control, 'retryActive'),
  verb(
    'control clear-stale-state',
    'Take over a dead lock and put held runs back to ready.',
    control,
    'clearStaleState',
  ),
  verb(
    'control reload-config',
    'Read millrace.toml again and compile; new runs use the new plan.',
    control,
    'reloadConfig',
  ),
  verb('planning retry-active', 'Start the active planning item over.', control, 'planningRetryActive'),
  verb('compile validate', 'Compile the mode and say what is wrong with it.', plan, 'validate'),
  verb('compile show', 'The compiled plan: nodes, edges, budgets, and where each value came from.', plan, 'show'),
  verb('compile graph', 'The loops of the plan as text, JSON or Mermaid.', plan, 'graph'),
  verb('compile diff', 'What differs between two plans.', planDiff, 'diff'),
  verb('modes ls', 'Modes there are.', modes, 'modesLs'),
  verb('modes show', 'One mode: loops and bindings.', modes, 'modesShow'),
  verb('assets ls', 'Assets there are, and whose copy of each counts.', assets, 'assetsLs'),
  verb('assets show', 'One asset: its text, and whose copy it is.', assets, 'assetsShow'),
  verb(
    'assets localise',
    'Copy an asset of the package into the workspace, to be edited there.',
    assets,
    'assetsLocalise',
  ),
  verb('loops ls', 'Loops there are.', loops, 'loopsLs'),
  verb('loops show', 'One loop: nodes, edges, budgets, terminal states.', loops, 'loopsShow'),
  verb('stages ls', 'Kinds of stages there are.', stages, 'stagesLs'),
  verb('stages show', 'One kind of stage: outcomes, what it owes, what it may hand in.', stages, 'stagesShow'),
  verb('models ls', 'Model profiles there are.', models, 'modelsLs'),
  verb('models show', 'One model profile: model and effort by runner and stage.', models, 'modelsShow'),
  verb('skills ls', 'Skills there are, and which stages use them.', skills, 'skillsLs'),
  verb('skills show', 'One skill: what it is for, where it lies, its text.', skills, 'skillsShow'),
  verb('skills search', 'Which skills speak of something.', skills, 'skillsSearch'),
  verb('skills install', 'Put a skill into the workspace.', skillsInstall, 'skillsInstall'),
  verb('skills export', 'Write a skill as one .zip file.', skillsExport, 'skillsExport'),
  verb('config show', 'Config in force, with where each value came from.', config, 'show'),
  verb('config set', 'Set a key of millrace.toml.', configSet, 'set'),
  verb('config validate', 'Check millrace.toml and compile.', config, 'validate'),
  verb('health', 'Whether the workspace itself is in order.', health, 'health'),
  verb('doctor', 'Examine the workspace and say how to mend what is wrong.', doctor, 'doctor'),
  verb('gc', 'Remove what old runs left, by age, number and size.', gc, 'gc'),
  verb('docs', 'The documents that come with Millrace.', docs, 'docs'),
  verb('completion', 'Let your shell complete verbs, options, ids and files.', completion, 'completion'),
  verb('schema', 'JSON Schema of what a command prints with --json.', schema, 'schema'),
  verb('version', 'Name and version.', version, 'version'),
]

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

const control = () => import('./control.ts')
const queue = () => import('./queue/queue.ts')
const queueChange = () => import('./queue/change.ts')
const approvals = () => import('./approvals.ts')
const queueAdd = () => import('./queue/add.ts')
const runs = () => import('./runs/runs.ts')
const plan = () => import('./plan/plan.ts')
const config = () => import('./config/config.ts')
const run = () => import('./run.ts')
const closure = () => import('./closure.ts')
const modes = () => import('./assets/modes.ts')
const loops = () => import('./assets/loops.ts')
const models = () => import('./assets/models.ts')
const stages = () => import('./assets/stages.ts')
const assets = () => import('./assets/assets.ts')
const skills = () => import('./skills/skills.ts')
const rescue = () => import('./rescue/rescue.ts')
const notify = () => import('./notify/notify.ts')
const daemonUnit = () => import('./daemon/install.ts')

export const OPERATIONS: readonly TableEntry[] = [
  { name: 'init', summary: 'Make a workspace.', load: async () => (await import('./workspace/init.ts')).init },
  {
    name: 'upgrade',
    summary: 'Bring a workspace up to the package, and keep what was edited.',
    load: async () => (await import('./workspace/upgrade.ts')).upgrade,
  },
  {
    name: 'demo',
    summary: 'Watch one spec go through the whole runtime, on a sample.',
    load: async () => (await import('./demo.ts')).demo,
  },
  {
    name: 'selftest crash',
    summary: 'Crash the runtime on this file system, and see that nothing is lost.',
    load: async () => (await import('./selftest.ts')).selftestCrash,
  },
  {
    name: 'status',
    summary: 'What goes on, and what stands in the way.',
    load: async () => (await import('./status/status.ts')).status,
  },
  {
    name: 'why',
    summary: 'Why an item, a run or a plane stands where it stands.',
    load: async () => (await import('./why/why.ts')).why,
  },
  { name: 'queue ls', summary: 'What is queued, active and blocked.', load: async () => (await queue()).ls },
  { name: 'queue show', summary: 'One work item in full.', load: async () => (await queue()).show },
  { name: 'queue add-task', summary: 'Queue a task.', load: async () => (await queueAdd()).addTask },
  {
    name: 'queue add-spec',
    summary: 'Queue a spec, to be planned into tasks.',
    load: async () => (await queueAdd()).addSpec,
  },
  { name: 'queue add-idea', summary: 'Drop an idea, to become a spec.', load: async () => (await queueAdd()).addIdea },
  {
    name: 'queue add-probe',
    summary: 'Queue a probe: a question to look into before any work is decided.',
    load: async () => (await queueAdd()).addProbe,
  },
  {
    name: 'queue add-learning-request',
    summary: 'Queue a lesson that is to become a skill.',
    load: async () => (await queueAdd()).addLearningRequest,
  },
  {
    name: 'queue new',
    summary: 'Be asked for a task or a spec, question by question.',
    load: async () => (await import('./queue/new.ts')).queueNew,
  },
  {
    name: 'queue retry',
    summary: 'Put a blocked item back into its queue.',
    load: async () => (await queueChange()).retry,
  },
  {
    name: 'queue cancel',
    summary: 'Take an item out of its queue for good.',
    load: async () => (await queueChange()).cancel,
  },
  {
    name: 'queue reorder',
    summary: 'Say in which order a queue is worked through.',
    load: async () => (await queueChange()).reorder,
  },
  {
    name: 'queue cleanup quarantine',
    summary: 'Set an item aside until it is released.',
    load: async () => (await queueChange()).quarantine,
  },
  {
    name: 'queue release',
    summary: 'Bring an item back that was set aside.',
    load: async () => (await queueChange()).release,
  },
  {
    name: 'queue archive-blocked',
    summary: 'Put a blocked task away for good.',
    load: async () => (await queueChange()).archiveBlocked,
  },
  {
    name: 'queue supersede',
    summary: 'Put another task in the place of one.',
    load: async () => (await queueChange()).supersede,
  },
  {
    name: 'queue retarget-dependency',
    summary: 'Have a queued task wait for another one.',
    load: async () => (await queueChange()).retargetDependency,
  },
  {
    name: 'queue repair-lineage',
    summary: 'Find work that names a wrong root spec, and set it right.',
    load: async () => (await queueChange()).repairLineage,
  },
  {
    name: 'incidents resolve',
    summary: 'Say that an incident has been seen to.',
    load: async () => (await queueChange()).incidentsResolve,
  },
  {
    name: 'incidents cancel',
    summary: 'Drop an incident.',
    load: async () => (await queueChange()).incidentsCancel,
  },
  {
    name: 'incidents archive-invalid',
    summary: 'Put away an incident document nobody can read.',
    load: async () => (await queueChange()).incidentsArchiveInvalid,
  },
  {
    name: 'run once',
    summary: 'Run one stage, or find that there is nothing to do.',
    load: async () => (await run()).runOnce,
  },
  { name: 'run daemon', summary: 'Run in the foreground until stopped.', load: async () => (await run()).runDaemon },
  {
    name: 'start',
    summary: 'Take one item through its plane, or run until stopped.',
    load: async () => (await import('./start.ts')).start,
  },
  {
    name: 'daemon start',
    summary: 'Start a daemon that goes on without this terminal.',
    load: async () => (await import('./daemon/daemon.ts')).daemonStart,
  },
  {
    name: 'daemon stop',
    summary: 'Stop the daemon and wait until its process is gone.',
    load: async () => (await import('./daemon/daemon.ts')).daemonStop,
  },
  {
    name: 'daemon status',
    summary: 'The process that owns the workspace: pid, age, memory, log.',
    load: async () => (await import('./daemon/status.ts')).daemonStatus,
  },
  {
    name: 'daemon logs',
    summary: 'What the daemon itself printed.',
    load: async () => (await import('./daemon/logs.ts')).daemonLogs,
  },
  {
    name: 'daemon install',
    summary: 'Have systemd or launchd start the daemon.',
    load: async () => (await daemonUnit()).daemonInstall,
  },
  {
    name: 'daemon uninstall',
    summary: 'Take away what `daemon install` wrote.',
    load: async () => (await daemonUnit()).daemonUninstall,
  },
  { name: 'runs ls', summary: 'Runs, newest first.', load: async () => (await runs()).ls },
  {
    name: 'runs show',
    summary: 'One run: its stages, times, tokens and artifacts.',
    load: async () => (await runs()).show,
  },
  { name: 'runs trace', summary: 'The path one run took, edge by edge.', load: async () => (await runs()).trace },
  {
    name: 'runs provenance',
    summary: 'Why a run went as it did: what was frozen for it, and what would be chosen now.',
    load: async () => (await runs()).provenance,
  },
  { name: 'runs tail', summary: 'The last report of a run.', load: async () => (await runs()).tail },
  {
    name: 'runs follow',
    summary: 'What the agent of a run does now, until the run ends.',
    load: async () => (await runs()).follow,
  },
  {
    name: 'approvals ls',
    summary: 'What waits for a person to allow or deny it.',
    load: async () => (await approvals()).approvalsLs,
  },
  {
    name: 'approvals show',
    summary: 'One question to a person: what it is about, who asks, what was answered.',
    load: async () => (await approvals()).approvalsShow,
  },
  {
    name: 'approvals approve',
    summary: 'Allow what a stage asks for; its item goes on at the same node.',
    load: async () => (await approvals()).approvalsApprove,
  },
  {
    name: 'approvals deny',
    summary: 'Do not allow what a stage asks for.',
    load: async () => (await approvals()).approvalsDeny,
  },
  {
    name: 'incidents ls',
    summary: 'Incidents by state: what went wrong, how bad it is, and where it came from.',
    load: async () => (await import('./incidents.ts')).incidentsLs,
  },
  {
    name: 'closure ls',
    summary: 'Root specs that are judged as a whole: open, held and closed.',
    load: async () => (await closure()).closureLs,
  },
  {
    name: 'closure show',
    summary: 'One closure target: verdict, rounds, and the work it waits for.',
    load: async () => (await closure()).closureShow,
  },
  {
    name: 'logs',
    summary: 'The event log: what happened, and what happens.',
    load: async () => (await import('./logs.ts')).logs,
  },
  {
    name: 'usage',
    summary: 'What stages used: tokens and cost, and what the rules leave.',
    load: async () => (await import('./usage/usage.ts')).usage,
  },
  {
    name: 'notify ls',
    summary: 'Who is told of what, and which notifications did not arrive.',
    load: async () => (await notify()).notifyLs,
  },
  {
    name: 'notify test',
    summary: 'Send a test notification and say whether it arrived.',
    load: async () => (await notify()).notifyTest,
  },
  {
    name: 'notify retry',
    summary: 'Send notifications again that were given up.',
    load: async () => (await notify()).notifyRetry,
  },
  {
    name: 'notify check',
    summary: 'Tell of a runtime that died, and send what waits; for cron.',
    load: async () => (await notify()).notifyCheck,
  },
  {
    name: 'rescue ls',
    summary: 'Working trees kept before each stage.',
    load: async () => (await rescue()).list,
  },
  {
    name: 'rescue show',
    summary: 'How the working tree differs from a kept one, or one kept file.',
    load: async () => (await rescue()).show,
  },
  { name: 'rescue restore', summary: 'Bring files of a kept tree back.', load: async () => (await rescue()).restore },
  {
    name: 'control pause',
    summary: 'Start nothing new; running stages go on.',
    load: async () => (await control()).pause,
  },
  {
    name: 'control resume',
    summary: 'Clear the operator pause and go on.',
    load: async () => (await control()).resume,
  },
  {
    name: 'control stop',
    summary: 'End the runtime; active runs are taken up at the next start.',
    load: async () => (await control()).stop,
  },
  { name: 'control cancel', summary: 'End one run and block its item.', load: async () => (await control()).cancel },
  {
    name: 'control retry-active',
    summary: 'Put the active item back into its queue and start over.',
    load: async () => (await control()).retryActive,
  },
  {
    name: 'control clear-stale-state',
    summary: 'Take over a dead lock and put held runs back to ready.',
    load: async () => (await control()).clearStaleState,
  },
  {
    name: 'control reload-config',
    summary: 'Read millrace.toml again and compile; new runs use the new plan.',
    load: async () => (await control()).reloadConfig,
  },
  {
    name: 'planning retry-active',
    summary: 'Start the active planning item over.',
    load: async () => (await control()).planningRetryActive,
  },
  {
    name: 'compile validate',
    summary: 'Compile the mode and say what is wrong with it.',
    load: async () => (await plan()).validate,
  },
  {
    name: 'compile show',
    summary: 'The compiled plan: nodes, edges, budgets, and where each value came from.',
    load: async () => (await plan()).show,
  },
  {
    name: 'compile graph',
    summary: 'The loops of the plan as text, JSON or Mermaid.',
    load: async () => (await plan()).graph,
  },
  {
    name: 'compile diff',
    summary: 'What differs between two plans.',
    load: async () => (await import('./plan/diff.ts')).diff,
  },
  { name: 'modes ls', summary: 'Modes there are.', load: async () => (await modes()).modesLs },
  { name: 'modes show', summary: 'One mode: loops and bindings.', load: async () => (await modes()).modesShow },
  {
    name: 'assets ls',
    summary: 'Assets there are, and whose copy of each counts.',
    load: async () => (await assets()).assetsLs,
  },
  {
    name: 'assets show',
    summary: 'One asset: its text, and whose copy it is.',
    load: async () => (await assets()).assetsShow,
  },
  {
    name: 'assets localise',
    summary: 'Copy an asset of the package into the workspace, to be edited there.',
    load: async () => (await assets()).assetsLocalise,
  },
  { name: 'loops ls', summary: 'Loops there are.', load: async () => (await loops()).loopsLs },
  {
    name: 'loops show',
    summary: 'One loop: nodes, edges, budgets, terminal states.',
    load: async () => (await loops()).loopsShow,
  },
  { name: 'stages ls', summary: 'Kinds of stages there are.', load: async () => (await stages()).stagesLs },
  {
    name: 'stages show',
    summary: 'One kind of stage: outcomes, what it owes, what it may hand in.',
    load: async () => (await stages()).stagesShow,
  },
  { name: 'models ls', summary: 'Model profiles there are.', load: async () => (await models()).modelsLs },
  {
    name: 'models show',
    summary: 'One model profile: model and effort by runner and stage.',
    load: async () => (await models()).modelsShow,
  },
  {
    name: 'skills ls',
    summary: 'Skills there are, and which stages use them.',
    load: async () => (await skills()).skillsLs,
  },
  {
    name: 'skills show',
    summary: 'One skill: what it is for, where it lies, its text.',
    load: async () => (await skills()).skillsShow,
  },
  {
    name: 'skills search',
    summary: 'Which skills speak of something.',
    load: async () => (await skills()).skillsSearch,
  },
  {
    name: 'skills install',
    summary: 'Put a skill into the workspace.',
    load: async () => (await import('./skills/install.ts')).skillsInstall,
  },
  {
    name: 'skills export',
    summary: 'Write a skill as one .zip file.',
    load: async () => (await import('./skills/export.ts')).skillsExport,
  },
  {
    name: 'config show',
    summary: 'Config in force, with where each value came from.',
    load: async () => (await config()).show,
  },
  {
    name: 'config set',
    summary: 'Set a key of millrace.toml.',
    load: async () => (await import('./config/set.ts')).set,
  },
  { name: 'config validate', summary: 'Check millrace.toml and compile.', load: async () => (await config()).validate },
  {
    name: 'health',
    summary: 'Whether the workspace itself is in order.',
    load: async () => (await import('./doctor/health.ts')).health,
  },
  {
    name: 'doctor',
    summary: 'Examine the workspace and say how to mend what is wrong.',
    load: async () => (await import('./doctor/doctor.ts')).doctor,
  },
  {
    name: 'gc',
    summary: 'Remove what old runs left, by age, number and size.',
    load: async () => (await import('./gc.ts')).gc,
  },
  {
    name: 'docs',
    summary: 'The documents that come with Millrace.',
    load: async () => (await import('./docs.ts')).docs,
  },
  {
    name: 'completion',
    summary: 'Let your shell complete verbs, options, ids and files.',
    load: async () => (await import('./completion.ts')).completion,
  },
  {
    name: 'schema',
    summary: 'JSON Schema of what a command prints with --json.',
    load: async () => (await import('./schema.ts')).schema,
  },
  { name: 'version', summary: 'Name and version.', load: async () => (await import('./version.ts')).version },
]

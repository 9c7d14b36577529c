/** A workspace for a row: a small git project with a runtime root, and agents that do as they are told. */
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { eventually, run, start, succeeded } from './commands.mjs'
import { documentText } from './documents.mjs'

export const EXECUTION_STAGES = [
  'builder',
  'checker',
  'fixer',
  'doublechecker',
  'updater',
  'troubleshooter',
  'consultant',
]
export const PLANNING_STAGES = ['planner', 'manager', 'mechanic', 'auditor', 'arbiter']
const STAGES = [...EXECUTION_STAGES, ...PLANNING_STAGES]

const EVENTS = 'logs/runtime_events.jsonl'

/** The file of a program of the folder `agents`. */
export const agentProgram = (name) => path.join(import.meta.dirname, '../agents', `${name}.mjs`)

/** A file of replies for the scripted agent. Without `steps` a reply writes what it owes for its outcome. */
export const repliesText = (replies) =>
  JSON.stringify({
    schema_version: '1.0',
    kind: 'scripted_replies',
    replies: replies.map((reply) => ({ steps: [{ artifacts: true }], ...reply })),
  })

/** A git repository `name` below the row's own folder. */
export async function gitProject(name = 'project') {
  const root = path.resolve(name)
  mkdirSync(root, { recursive: true })
  writeFileSync(path.join(root, 'README.md'), '# A small project\n')
  for (const args of [
    ['init', '-q'],
    ['add', '-A'],
    ['commit', '-q', '-m', 'Begin'],
  ])
    succeeded(await run('git', args, { cwd: root }), `git ${args[0]}`)
  return root
}

/**
 * A project with `millrace init` done. `runner` runs every stage (null leaves the shipped mode as it is); with the
 * scripted agent `replies` say what it does, and what they leave out succeeds at once. `config` is TOML, added at the end.
 */
export async function newWorkspace({ name = 'project', runner = 'scripted', replies = [], config = '' } = {}) {
  const workspace = workspaceAt(await gitProject(name))
  await workspace.ok('init')
  mkdirSync(workspace.path(), { recursive: true })
  if (runner !== null) workspace.configure(STAGES.map((stage) => `[stages.${stage}]\nrunner = "${runner}"`).join('\n'))
  if (runner === 'scripted') {
    workspace.script(replies)
    workspace.configure('[runners.scripted]\nreplies = "replies.json"')
  }
  workspace.configure(config)
  return workspace
}

/** The workspace in a folder: its commands, run from inside it, and a look at its files. */
export function workspaceAt(root) {
  const runtimeRoot = path.join(root, 'millrace-agents')
  const below = (...names) => path.join(runtimeRoot, ...names)
  const text = (name) => readFileSync(below(name), 'utf8')
  const workspace = {
    root,

    /** Runs `millrace` to its end, whatever that is: {code, stdout, stderr, json}. */
    millrace: (...args) => run('millrace', args, { cwd: root }),
    /** The same, and it must end with 0. */
    ok: async (...args) => succeeded(await workspace.millrace(...args), `millrace ${args.join(' ')}`),
    /** What it prints with --json; it must end with 0. */
    json: async (...args) => (await workspace.ok(...args, '--json')).json,
    /** Starts it and goes on: see `start`. */
    start: (...args) => start('millrace', args, { cwd: root }),
    /** Starts a daemon and waits until it has taken the workspace. */
    async daemon(...args) {
      const before = workspace.events('runtime_started').length
      const running = workspace.start('run', 'daemon', ...args)
      await eventually('a daemon takes the workspace', () => workspace.events('runtime_started').length > before)
      return running
    },

    /** A path below the runtime root. */
    path: below,
    has: (name) => existsSync(below(name)),
    text,
    read: (name) => JSON.parse(text(name)),
    /** The values of a file of JSON lines; a last line that is still being written is none yet. */
    lines: (name) =>
      text(name)
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line)),
    /** What the runtime told so far of events of this type; none before there was a runtime. */
    events: (type) =>
      workspace.has(EVENTS) ? workspace.lines(EVENTS).filter(({ event_type }) => event_type === type) : [],
    /** Names in a folder in order, without the hidden ones; none if it is not there. */
    names: (name) =>
      existsSync(below(name))
        ? readdirSync(below(name))
            .filter((one) => !one.startsWith('.'))
            .sort()
        : [],

    configure: (toml) => appendFileSync(below('millrace.toml'), `\n${toml}\n`),
    /** What the scripted agent does from now on: replies of `{stage, item?, attempt?, steps?, outcome, message?}`. */
    script: (replies) => writeFileSync(path.join(root, 'replies.json'), repliesText(replies)),
    /** Writes a document outside of the runtime root and gives its path, to be added. */
    document(kind, id, labels) {
      const file = path.join(path.dirname(root), `${id}.md`)
      writeFileSync(file, documentText(kind, id, labels))
      return file
    },
    /** Queues a task or a spec with this id. */
    add: (kind, id, labels) => workspace.ok(`add-${kind}`, workspace.document(kind, id, labels)),

    /** Runs one stage after the other until a tick finds nothing to do, at most so many; what each tick said of itself. */
    async work(stagesMax = 40) {
      const reasons = []
      while (reasons.length < stagesMax) {
        const { tick_reason } = (await workspace.millrace('run', 'once', '--json')).json
        if (tick_reason === 'no_work') break
        reasons.push(tick_reason)
      }
      return reasons
    },
    /** Works until nothing is left to do, at the pace of a daemon. */
    drain: (...args) => workspace.ok('run', 'daemon', '--stop-when-idle', ...args),
    /** Nodes an item went through so far, in order, over all its runs; those of a closure are not the item's. */
    async stagesOf(kind, id) {
      const { runs } = await workspace.json('runs', 'ls')
      const own = runs.filter((run) => run.work_item_kind === kind && run.work_item_id === id).reverse()
      const traces = []
      for (const { run_id: runId } of own) traces.push(await workspace.json('runs', 'trace', runId))
      const worked = traces.filter((trace) => trace.request_kind === 'active_work_item')
      return worked.flatMap((trace) => trace.nodes.map((node) => node.node_id))
    },
    /** Ids of the runs there were, the first one first. */
    runIds: async () => (await workspace.json('runs', 'ls')).runs.map((one) => one.run_id).reverse(),
  }
  return workspace
}

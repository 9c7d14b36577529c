/**
 * A command line or more for every verb, which show what it answers: the one list behind the tests of schemas and of
 * snapshots. A verb without an entry fails `samples.test.ts`, which
 * names it.
 */
import type { Known, Stage } from './scene.ts'

export interface Sample {
  /** What it shows; heads its part of the snapshot. */
  shows: string
  /** Words after `millrace` as one would type them; {name} stands for what the scene knows. */
  args: string
  /** Where it is tried (default: where much has happened). */
  on?: Stage
  stdin?: string
  /** Exit status (default: 0). */
  status?: number
}

/** The command line with the names in it filled in. */
export const argsOf = (sample: Sample, known: Known): string =>
  sample.args.replace(/\{(\w+)\}/g, (_, name: keyof Known) => known[name])

const UNKNOWN_RUN: Omit<Sample, 'args'> = { shows: 'a run that there is not', status: 1 }
const UNKNOWN_ITEM: Omit<Sample, 'args'> = { shows: 'an item that there is not', status: 1 }

export const SAMPLES: Readonly<Record<string, readonly Sample[]>> = {
  init: [
    { shows: 'a new workspace', args: 'init', on: 'empty' },
    { shows: 'a workspace that is there', args: 'init', on: 'new' },
    { shows: 'a folder of its own', args: 'init {outside}', on: 'empty' },
  ],
  demo: [{ shows: 'only the project', args: 'demo --dir {outside} --prepare', on: 'empty' }],
  'selftest crash': [{ shows: 'one crash of each kind', args: 'selftest crash --crashes 1 --seed 1', on: 'new' }],
  status: [
    { shows: 'a workspace where much has happened', args: 'status' },
    { shows: 'a new workspace', args: 'status', on: 'new' },
    { shows: 'no workspace', args: 'status', on: 'empty', status: 1 },
  ],
  'status watch': [{ shows: 'two updates', args: 'status watch --max-updates 2 --interval-seconds 0' }],
  'queue ls': [
    { shows: 'open items', args: 'queue ls' },
    { shows: 'every item', args: 'queue ls --all' },
    { shows: 'nothing', args: 'queue ls', on: 'new' },
  ],
  'queue show': [
    { shows: 'a blocked item', args: 'queue show T-blocked' },
    { shows: 'an item that waits', args: 'queue show T-waits' },
    { shows: 'a spec', args: 'queue show S-1' },
    { shows: 'a document that cannot be read', args: 'queue show T-odd' },
    { ...UNKNOWN_ITEM, args: 'queue show T-don' },
  ],
  'queue add-task': [
    { shows: 'a title', args: 'queue add-task "Add a login page" --id T-login', on: 'new' },
    { shows: 'one that waits in vain', args: 'add-task "Log out" --id T-out --depends-on T-nowhere', on: 'new' },
    { shows: 'an id that exists', args: 'add-task "Again" --id T-done', status: 3 },
  ],
  'queue add-spec': [
    { shows: 'a document', args: 'queue add-spec millrace-agents/specs/done/S-1.md --workspace {outside}' },
    { shows: 'an id that exists', args: 'queue add-spec millrace-agents/specs/done/S-1.md', status: 3 },
  ],
  'queue add-idea': [
    { shows: 'a text that is piped in', args: 'add-idea - --name dark-mode', stdin: '# Dark mode\n', on: 'new' },
  ],
  'queue retry': [
    { shows: 'a blocked item', args: 'queue retry T-blocked --reason "the key is there now"' },
    { shows: 'an item that is done', args: 'queue retry T-done', status: 3 },
  ],
  'queue cancel': [
    { shows: 'an item others wait for', args: 'queue cancel T-waits' },
    { shows: 'an item that is running', args: 'queue cancel T-active', status: 3 },
  ],
  'run once': [{ shows: 'nothing to do', args: 'run once', on: 'new' }],
  'run daemon': [{ shows: 'one tick with nothing to do', args: 'run daemon --max-ticks 1', on: 'new' }],
  'runs ls': [
    { shows: 'the runs', args: 'runs ls' },
    { shows: 'the last two', args: 'runs ls --limit 2' },
    { shows: 'no runs', args: 'runs ls', on: 'new' },
  ],
  'runs show': [
    { shows: 'a task that was done', args: 'runs show {done_run}' },
    { shows: 'one that is active', args: 'runs show {active_run}' },
    { ...UNKNOWN_RUN, args: 'runs show run-nowhere' },
  ],
  'runs trace': [
    { shows: 'a task that was done', args: 'runs trace {done_run}' },
    { shows: 'a judgement', args: 'runs trace {closure_run}' },
    { ...UNKNOWN_RUN, args: 'runs trace run-nowhere' },
  ],
  'runs tail': [
    { shows: 'a task that was done', args: 'runs tail {done_run}' },
    { ...UNKNOWN_RUN, args: 'runs tail run-nowhere' },
  ],
  'runs follow': [
    { shows: 'a run that is over', args: 'runs follow {done_run} --since-start' },
    { ...UNKNOWN_RUN, args: 'runs follow run-nowhere' },
  ],
  'rescue list': [
    { shows: 'the trees of one run', args: 'rescue list --run {done_run}' },
    { shows: 'no repository', args: 'rescue list', on: 'new' },
  ],
  'rescue show': [
    { shows: 'what has changed since', args: 'rescue show {done_run}' },
    { shows: 'one kept file', args: 'rescue show {done_run} src/login.ts' },
    { shows: 'a tree that there is not', args: 'rescue show run-nowhere', status: 1 },
  ],
  'rescue restore': [
    { shows: 'nothing to bring back', args: 'rescue restore {done_run} src/login.ts' },
    { shows: 'a tree that there is not', args: 'rescue restore run-nowhere', status: 1 },
  ],
  'control pause': [
    { shows: 'a workspace at work', args: 'control pause --reason "release day"', on: 'new' },
    { shows: 'one that is paused', args: 'pause', status: 3 },
  ],
  'control resume': [
    { shows: 'a paused workspace', args: 'control resume' },
    { shows: 'one that is not paused', args: 'control resume', on: 'new', status: 3 },
  ],
  'control stop': [{ shows: 'no runtime', args: 'control stop', on: 'new', status: 3 }],
  'control cancel': [
    { shows: 'the active run', args: 'control cancel {active_run}' },
    { ...UNKNOWN_RUN, args: 'control cancel run-nowhere', status: 3 },
  ],
  'control retry-active': [
    { shows: 'the active item', args: 'control retry-active' },
    { shows: 'nothing active', args: 'control retry-active', on: 'new', status: 3 },
  ],
  'control clear-stale-state': [{ shows: 'held work', args: 'control clear-stale-state' }],
  'control reload-config': [{ shows: 'no runtime', args: 'control reload-config', status: 3 }],
  'planning retry-active': [
    { shows: 'a spec that is being planned', args: 'planning retry-active', on: 'planning' },
    { shows: 'no active planning item', args: 'planning retry-active', status: 3 },
  ],
  'compile validate': [
    { shows: 'a mode that compiles', args: 'compile validate' },
    { shows: 'a mode that there is not', args: 'compile validate --mode nowhere', status: 1 },
  ],
  'compile show': [{ shows: 'the plan', args: 'compile show' }],
  'compile graph': [
    { shows: 'one lane', args: 'compile graph --plane execution' },
    { shows: 'a lane that there is not', args: 'compile graph --plane executoin', status: 2 },
  ],
  'modes list': [{ shows: 'modes of package and workspace', args: 'modes list' }],
  'modes show': [
    { shows: 'an alias', args: 'modes show standard_plain' },
    { shows: 'a mode that there is not', args: 'modes show default_codx', status: 1 },
  ],
  'config show': [{ shows: 'every key', args: 'config show' }],
  'config validate': [
    { shows: 'a config that is sound', args: 'config validate' },
    { shows: 'a key that there is not', args: 'config validate --set recovery.max_fix_cycle=3', status: 1 },
  ],
  doctor: [
    { shows: 'a workspace with an odd document', args: 'doctor', status: 1 },
    { shows: 'a new workspace', args: 'doctor', on: 'new' },
  ],
  docs: [
    { shows: 'which there are', args: 'docs', on: 'empty' },
    { shows: 'where one lies', args: 'docs architecture --path', on: 'empty' },
    { shows: 'lines with some words', args: 'docs --search "ten minutes"', on: 'empty' },
    { shows: 'one that there is not', args: 'docs architcture', on: 'empty', status: 2 },
  ],
  completion: [
    { shows: 'for bash', args: 'completion bash', on: 'empty' },
    { shows: 'for zsh', args: 'completion zsh', on: 'empty' },
    { shows: 'for fish', args: 'completion fish', on: 'empty' },
    { shows: 'for PowerShell', args: 'completion powershell', on: 'empty' },
    { shows: 'a shell that there is not', args: 'completion bsh', on: 'empty', status: 2 },
  ],
  schema: [
    { shows: 'which there are', args: 'schema' },
    { shows: 'a schema', args: 'schema version' },
    { shows: 'a schema that there is not', args: 'schema quue ls', status: 2 },
  ],
  version: [{ shows: 'the version', args: 'version' }],
}

/**
 * A command line or more for every verb, which show what it answers: the one list behind the tests of schemas and of
 * snapshots. A verb without an entry fails `samples.test.ts`, which names it.
 */
import { documentText } from '../../rig/documents.ts'
import type { Known, Stage } from './scene.ts'

export interface Sample {
  /** What it shows; heads its part of the snapshot. */
  shows: string
  /** Words after `millrace` as one would type them; {name} stands for what the scene knows. */
  args: string
  /** Where it is tried (default: where much has happened). */
  on?: Stage
  stdin?: string
  /** Command line that comes first, in the same place. */
  before?: string
  /** Command line that ends what would outlive the sample. */
  after?: string
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
    { shows: 'another mode than a config names', args: 'init --mode default_pi', on: 'new', status: 2 },
  ],
  upgrade: [
    { shows: 'a workspace that is up to date', args: 'upgrade', on: 'new' },
    { shows: 'a file that is not in conflict', args: 'upgrade --keep docs/usage.md', on: 'new', status: 2 },
    { shows: 'no workspace', args: 'upgrade', on: 'empty', status: 1 },
  ],
  demo: [{ shows: 'only the project', args: 'demo --dir {outside} --prepare', on: 'empty' }],
  'selftest crash': [{ shows: 'one crash of each kind', args: 'selftest crash --crashes 1 --seed 1', on: 'new' }],
  status: [
    { shows: 'a workspace where much has happened', args: 'status' },
    { shows: 'a new workspace', args: 'status', on: 'new' },
    { shows: 'in full', args: 'status --detail' },
    { shows: 'no workspace', args: 'status', on: 'empty', status: 1 },
  ],
  why: [
    { shows: 'an item that waits', args: 'why T-waits' },
    { shows: 'a blocked item', args: 'why T-blocked' },
    { shows: 'a run that is held up', args: 'why {active_run}' },
    { shows: 'a run that is over', args: 'why {done_run}' },
    { shows: 'a plane with nothing to do', args: 'why planning', on: 'new' },
    { shows: 'what there is not', args: 'why T-don', status: 1 },
  ],
  'status watch': [{ shows: 'two updates', args: 'status watch --max-updates 2 --interval-seconds 0' }],
  gc: [
    { shows: 'that nothing may go yet', args: 'gc' },
    { shows: 'all but the newest run', args: 'gc --keep 1' },
    { shows: 'it goes', args: 'gc --keep 1 --apply' },
    { shows: 'an age that is none', args: 'gc --older-than soon', status: 2 },
  ],
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
  'queue add-probe': [
    { shows: 'a probe', args: 'queue add-probe -', stdin: documentText('probe', 'P-1'), on: 'asking' },
    {
      shows: 'a mode that takes none',
      args: 'queue add-probe -',
      stdin: documentText('probe', 'P-1'),
      on: 'new',
      status: 3,
    },
  ],
  'queue add-learning-request': [
    {
      shows: 'a lesson',
      args: 'queue add-learning-request -',
      stdin: documentText('learning_request', 'L-1'),
      on: 'asking',
    },
  ],
  'queue new': [{ shows: 'no terminal to ask on', args: 'queue new', on: 'new', status: 2 }],
  'queue retry': [
    { shows: 'a blocked item', args: 'queue retry T-blocked --reason "the key is there now"' },
    { shows: 'an item that is done', args: 'queue retry T-done', status: 3 },
  ],
  'queue cancel': [
    { shows: 'an item others wait for', args: 'queue cancel T-waits' },
    { shows: 'an item that is running', args: 'queue cancel T-active', status: 3 },
    { shows: 'a preview', args: 'queue cancel T-waits --cascade cancel --dry-run' },
    { shows: 'a state that is past', args: 'queue cancel T-waits --if-state state-1-000000000000', status: 3 },
  ],
  'queue reorder': [
    { shows: 'one item first', args: 'queue reorder --last T-next' },
    { shows: 'a preview', args: 'queue reorder --first T-waits --dry-run' },
    { shows: 'only some of the items', args: 'queue reorder T-next', status: 3 },
  ],
  'queue cleanup quarantine': [
    { shows: 'a queued item', args: 'queue cleanup quarantine T-next --reason "look at it first"' },
    { shows: 'a preview', args: 'queue cleanup quarantine T-next --dry-run' },
  ],
  'queue release': [
    { shows: 'an item that was set aside', args: 'queue release T-apart' },
    { shows: 'one that was not', args: 'queue release T-next', status: 3 },
  ],
  'queue archive-blocked': [
    { shows: 'a blocked task', args: 'queue archive-blocked T-blocked --reason "done by hand"' },
    { shows: 'a preview', args: 'queue archive-blocked T-blocked --dry-run' },
  ],
  'queue supersede': [
    {
      shows: 'one that others wait for',
      args: 'queue supersede T-blocked --replacement T-active --reason "split anew" --cascade retarget',
    },
    {
      shows: 'a preview',
      args: 'queue supersede T-blocked --replacement T-active --reason "split anew" --cascade retarget --dry-run',
    },
    {
      shows: 'a replacement that there is not',
      args: 'queue supersede T-blocked --replacement T-nowhere --reason "split anew"',
      status: 1,
    },
  ],
  'queue retarget-dependency': [
    {
      shows: 'a task that waits in vain',
      args: 'queue retarget-dependency T-waits --from T-nowhere --to T-done --reason "a slip"',
    },
    {
      shows: 'a circle',
      args: 'queue retarget-dependency T-waits --from T-nowhere --to T-next --reason "a slip"',
      status: 3,
    },
  ],
  'queue repair-lineage': [
    { shows: 'what strays', args: 'queue repair-lineage --root-spec-id S-2' },
    { shows: 'and is set right', args: 'queue repair-lineage --root-spec-id S-2 --apply' },
    { shows: 'nothing that strays', args: 'queue repair-lineage --root-spec-id S-1', status: 3 },
  ],
  'approvals ls': [
    { shows: 'what waits for an answer', args: 'approvals', on: 'awaiting' },
    { shows: 'nothing', args: 'approvals --all', on: 'new' },
  ],
  'approvals show': [
    { shows: 'one that waits', args: 'approvals show {approval}', on: 'awaiting' },
    { shows: 'one that there is not', args: 'approvals show approval-none', on: 'awaiting', status: 1 },
  ],
  'approvals approve': [
    { shows: 'one that waits', args: 'approvals approve {approval} --reason "it is only a tag"', on: 'awaiting' },
    {
      shows: 'until a time that is over',
      args: 'approvals approve {approval} --expires 2020-01-01',
      on: 'awaiting',
      status: 2,
    },
    { shows: 'one that there is not', args: 'approvals approve approval-none', on: 'awaiting', status: 1 },
  ],
  'approvals deny': [
    { shows: 'one that waits', args: 'approvals deny {approval} --reason "not today"', on: 'awaiting' },
    {
      shows: 'one that was approved',
      before: 'approvals approve {approval}',
      args: 'approvals deny {approval}',
      on: 'awaiting',
      status: 3,
    },
  ],
  'incidents ls': [
    { shows: 'what is open', args: 'incidents' },
    { shows: 'also what is over', args: 'incidents ls --all' },
    { shows: 'nothing', args: 'incidents', on: 'new' },
  ],
  'incidents resolve': [
    { shows: 'one that is open', args: 'incidents resolve I-1 --reason "fixed by hand"' },
    { shows: 'one that is over', args: 'incidents resolve I-2 --reason "fixed by hand"', status: 3 },
    { shows: 'one that there is not', args: 'incidents resolve I-nowhere --reason "fixed by hand"', status: 1 },
  ],
  'incidents cancel': [{ shows: 'one that is open', args: 'incidents cancel I-1 --reason "no longer so"' }],
  'incidents archive-invalid': [
    { shows: 'a document that was set aside', args: 'incidents archive-invalid I-odd.md.invalid --reason "now I-1"' },
    {
      shows: 'one that there is not',
      args: 'incidents archive-invalid I-nowhere.md.invalid --reason "now I-1"',
      status: 1,
    },
  ],
  'closure ls': [
    { shows: 'targets, open and closed', args: 'closure' },
    { shows: 'none', args: 'closure', on: 'new' },
  ],
  'closure show': [
    { shows: 'one that was closed', args: 'closure show S-1' },
    { shows: 'one that is held', args: 'closure show S-2' },
    { shows: 'one that there is not', args: 'closure show S-9', status: 1 },
  ],
  logs: [
    { shows: 'the last events', args: 'logs --tail 6' },
    { shows: 'one kind of events', args: 'logs --type "closure_*"' },
    { shows: 'what comes, until nothing comes', args: 'logs --tail 2 --follow --idle-timeout 0.2' },
    { shows: 'a kind that there is not', args: 'logs --type stage_strted', status: 2 },
  ],
  usage: [
    { shows: 'by stage', args: 'usage' },
    { shows: 'by root spec and item', args: 'usage --by root --by item' },
    { shows: 'nothing', args: 'usage', on: 'new' },
    { shows: 'what cannot be summed by', args: 'usage --by stge', status: 2 },
  ],
  'notify ls': [
    { shows: 'rules, and what did not arrive', args: 'notify ls', on: 'told' },
    { shows: 'no rules', args: 'notify', on: 'new' },
  ],
  'notify test': [
    { shows: 'a receiver that is there', args: 'notify test --rule me', on: 'told' },
    { shows: 'one that is not', args: 'notify test', on: 'told', status: 1 },
    { shows: 'a rule that there is not', args: 'notify test --rule you', on: 'told', status: 2 },
  ],
  'notify retry': [
    { shows: 'one that did not arrive', args: 'notify retry blocked-00112233aabbccdd', on: 'told' },
    { shows: 'everything that did not', args: 'notify retry --all', on: 'told' },
    { shows: 'a preview', args: 'notify retry blocked-00112233aabbccdd --dry-run', on: 'told' },
    { shows: 'one that there is not', args: 'notify retry blocked-0000000000000000', on: 'told', status: 1 },
  ],
  'notify check': [{ shows: 'nothing lost', args: 'notify check', on: 'told' }],
  'run once': [{ shows: 'nothing to do', args: 'run once', on: 'new' }],
  'run daemon': [{ shows: 'one tick with nothing to do', args: 'run daemon --max-ticks 1', on: 'new' }],
  start: [
    { shows: 'nothing to do', args: 'start --once', on: 'new' },
    { shows: 'a spec that is planned', args: 'start --once', on: 'planning' },
    { shows: 'a paused workspace', args: 'start --once' },
    { shows: 'both ways at once', args: 'start --once --daemon', on: 'new', status: 2 },
  ],
  'daemon start': [
    { shows: 'a daemon', args: 'daemon start', on: 'new', after: 'daemon stop' },
    { shows: 'a config that is wrong', args: 'daemon start --set runtime.idle_sleep_seconds=0', on: 'new', status: 1 },
  ],
  'daemon stop': [
    { shows: 'a daemon at work', before: 'daemon start', args: 'daemon stop', on: 'new', after: 'daemon stop' },
    { shows: 'no daemon', args: 'daemon stop' },
  ],
  'daemon status': [
    { shows: 'no daemon', args: 'daemon status' },
    { shows: 'a daemon at work', before: 'daemon start', args: 'daemon status', on: 'new', after: 'daemon stop' },
  ],
  'daemon logs': [
    { shows: 'the last lines', args: 'daemon logs --tail 2' },
    { shows: 'nothing', args: 'daemon logs', on: 'new' },
  ],
  'daemon install': [
    { shows: 'a unit of systemd', args: 'daemon install --systemd' },
    { shows: 'written', args: 'daemon install --systemd --apply' },
    { shows: 'an agent of launchd', args: 'daemon install --launchd --mode standard_plain' },
    { shows: 'only the text', args: 'daemon install --systemd --print' },
  ],
  'daemon uninstall': [
    { shows: 'nothing to take away', args: 'daemon uninstall --systemd' },
    {
      shows: 'what was written',
      before: 'daemon install --systemd --apply',
      args: 'daemon uninstall --systemd',
    },
  ],
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
  'runs provenance': [
    { shows: 'a task that was done', args: 'run-provenance {done_run}' },
    { shows: 'one that is active', args: 'runs provenance {active_run}' },
    { ...UNKNOWN_RUN, args: 'runs provenance run-nowhere' },
  ],
  'runs tail': [
    { shows: 'a task that was done', args: 'runs tail {done_run}' },
    { ...UNKNOWN_RUN, args: 'runs tail run-nowhere' },
  ],
  'runs follow': [
    { shows: 'a run that is over', args: 'runs follow {done_run} --since-start' },
    { ...UNKNOWN_RUN, args: 'runs follow run-nowhere' },
  ],
  'rescue ls': [
    { shows: 'the trees of one run', args: 'rescue ls --run {done_run}' },
    { shows: 'no repository', args: 'rescue', on: 'new' },
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
  'compile diff': [
    { shows: 'the plan in force and what is there now', args: 'compile diff' },
    { shows: 'another budget', args: 'compile diff --set recovery.max_fix_cycles=9' },
    { shows: 'another mode', args: 'compile diff {plan} --mode default_pi' },
    { shows: 'a plan that there is not', args: 'compile diff plan-nowhere', status: 1 },
  ],
  'modes ls': [{ shows: 'modes of package and workspace', args: 'modes' }],
  'models ls': [{ shows: 'profiles of package and workspace', args: 'models' }],
  'models show': [
    { shows: 'one profile', args: 'models show codex-2026-11' },
    { shows: 'a profile that there is not', args: 'models show codex-2026-10', status: 1 },
  ],
  'modes show': [
    { shows: 'an alias', args: 'modes show standard_plain' },
    { shows: 'a mode that there is not', args: 'modes show default_codx', status: 1 },
  ],
  'assets ls': [
    { shows: 'loops', args: 'assets ls --kind loop' },
    { shows: 'skills', args: 'assets --kind skill', on: 'empty' },
  ],
  'assets show': [
    { shows: 'one of the package', args: 'assets show default_pi' },
    { shows: 'one that there is not', args: 'assets show default_py', status: 1 },
  ],
  'assets localise': [
    { shows: 'a loop', args: 'assets localise execution.standard', on: 'new' },
    { shows: 'a preview', args: 'assets localise execution.standard --dry-run', on: 'new' },
    { shows: 'one that is there', args: 'assets localise execution/builder', on: 'new', status: 3 },
  ],
  'loops ls': [{ shows: 'loops of the package', args: 'loops' }],
  'loops show': [
    { shows: 'one loop', args: 'loops show execution.standard' },
    { shows: 'a loop that there is not', args: 'loops show execution.standrd', status: 1 },
  ],
  'stages ls': [
    { shows: 'kinds of the package', args: 'stages' },
    { shows: 'those of one plane', args: 'stages --plane planning' },
  ],
  'stages show': [
    { shows: 'one kind', args: 'stages show checker' },
    { shows: 'a kind that there is not', args: 'stages show bulder', status: 1 },
  ],
  'skills ls': [
    { shows: 'skills of the package', args: 'skills' },
    { shows: 'those of one stage', args: 'skills ls --stage checker' },
  ],
  'skills show': [
    { shows: 'one skill', args: 'skills show checker-core' },
    { shows: 'its text', args: 'skills show craft --text', before: 'skills install craft', on: 'new' },
    { shows: 'one that there is not', args: 'skills show cheker-core', status: 1 },
  ],
  'skills search': [
    { shows: 'some words', args: 'skills search rubric verdict' },
    { shows: 'words that no skill has', args: 'skills search xylophone' },
  ],
  'skills install': [
    { shows: 'a new one', args: 'skills install craft', on: 'new' },
    { shows: 'a preview', args: 'skills install craft --dry-run', on: 'new' },
    { shows: 'one that is there', args: 'skills install craft', before: 'skills install craft', on: 'new', status: 3 },
    { shows: 'what lies elsewhere', args: 'skills install https://example.invalid/craft', on: 'new', status: 2 },
  ],
  'skills export': [
    { shows: 'a skill', args: 'skills export craft', before: 'skills install craft', on: 'new' },
    {
      shows: 'over another file',
      args: 'skills export craft --output craft/SKILL.md',
      before: 'skills install craft',
      on: 'new',
      status: 3,
    },
  ],
  'config show': [
    { shows: 'every key', args: 'config show' },
    { shows: 'one key', args: 'config show recovery.max_fix_cycles' },
    { shows: 'what a stage runs with', args: 'config show stages.builder' },
    { shows: 'a key that there is not', args: 'config show recovery.max_fix_cycle', status: 2 },
  ],
  'config set': [
    { shows: 'a key', args: 'config set recovery.max_fix_cycles 3' },
    { shows: 'a preview', args: 'config set recovery.max_fix_cycles 3 --dry-run' },
    { shows: 'a value that is wrong', args: 'config set recovery.max_fix_cycles many', status: 1 },
    { shows: 'a key that there is not', args: 'config set recovery.max_fix_cycle 3', status: 1 },
  ],
  'config validate': [
    { shows: 'a config that is sound', args: 'config validate' },
    { shows: 'a key that there is not', args: 'config validate --set recovery.max_fix_cycle=3', status: 1 },
  ],
  health: [
    { shows: 'a sound workspace', args: 'health', on: 'new' },
    { shows: 'a mode that there is not', args: 'health --set runtime.default_mode=nowhere', status: 1 },
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

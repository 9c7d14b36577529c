/**
 * Every finding that doctor and health can report: how grave it may be, what it means, how it is mended, and what
 * `doctor --fix --apply` does about it. The checks name nothing else; what they say of a case is more exact than this.
 */
export const LEVELS = ['error', 'warning', 'info'] as const
export type Level = (typeof LEVELS)[number]

interface Registered {
  levels: readonly Level[]
  /** What it means, whatever the case. */
  meaning: string
  /** How to mend it; null where nothing needs mending. */
  remedy: string | null
  /** What `--fix` does about it; null where a person has to decide. */
  fix: string | null
}

const RESTORE = 'Restore it from a backup, or move it away and run `millrace control clear-stale-state`.'
const MEND_ASSET = 'Mend the file, then run `millrace compile validate`.'
const DUPLICATE = {
  levels: ['error'],
  meaning: 'An id lies in several states at once, so that nobody can say where the item stands; it is not claimed.',
  remedy: 'Keep the document that is right and move the others away.',
  fix: null,
} as const
const STATUS = {
  levels: ['error'],
  meaning: 'The status file of a plane does not hold a marker line such as "### IDLE".',
  remedy: 'Write the line into it; the runtime writes it anew with the next stage.',
  fix: 'writes the marker that the runtime last set; what was there is kept beside it',
} as const

export const FINDINGS = {
  // The runtime root.
  missing_directory: {
    levels: ['error'],
    meaning: 'A folder of the workspace is not there, is no folder, or lies on another device.',
    remedy: 'Run `millrace upgrade --apply`, which makes what is missing.',
    fix: 'makes the folder where there is none',
  },
  missing_file: {
    levels: ['error', 'warning'],
    meaning: 'A file every workspace begins with is not there.',
    remedy: 'Run `millrace upgrade --apply`, which makes what is missing.',
    fix: 'makes the file as `init` does',
  },
  baseline_manifest_missing: {
    levels: ['error'],
    meaning: 'Nobody noted which prompts, skills and documents were deployed, so that edits cannot be told from age.',
    remedy: 'Run `millrace upgrade --apply`.',
    fix: 'notes the files that are what the package has',
  },
  baseline_manifest_invalid: {
    levels: ['error'],
    meaning: 'The manifest of deployed files cannot be read.',
    remedy: 'Move it away, then run `millrace upgrade --apply`.',
    fix: null,
  },
  baseline_manifest_managed_file_missing: {
    levels: ['info'],
    meaning: 'A deployed prompt, skill or document is gone; that of the package is used.',
    remedy: 'Run `millrace upgrade --apply` to have it back.',
    fix: 'copies the file of the package again',
  },
  foreign_edit_kept: {
    levels: ['warning'],
    meaning: 'Somebody edited a file while the runtime wrote it; their version was kept beside it.',
    remedy: 'Compare it with the file in force, then remove it.',
    fix: null,
  },
  orphaned_temporary_file: {
    levels: ['info'],
    meaning: 'A runtime or command was killed while it wrote a file, and left half of it under a name of its own.',
    remedy: 'Remove it.',
    fix: 'removes the file',
  },
  legacy_loops_ignored: {
    levels: ['info'],
    meaning: 'There is a loops/ folder of an older runtime; it is not read.',
    remedy: 'Move your loops to graphs/<lane>/, in the form `millrace compile validate` explains.',
    fix: null,
  },
  // State.
  snapshot_invalid: {
    levels: ['error'],
    meaning: 'The snapshot of the runtime cannot be read or is not what it should be.',
    remedy: RESTORE,
    fix: null,
  },
  recovery_counters_invalid: {
    levels: ['error'],
    meaning: 'The counters of used-up budgets cannot be read or are not what they should be.',
    remedy: RESTORE,
    fix: null,
  },
  queue_order_invalid: {
    levels: ['error'],
    meaning: 'The order an operator gave to the queues cannot be read or is not what it should be.',
    remedy: 'Move the file away; the queues go by age then.',
    fix: null,
  },
  closure_target_state_invalid: {
    levels: ['error'],
    meaning: 'A closure target cannot be read, or several are open at once.',
    remedy: RESTORE,
    fix: null,
  },
  state_unreadable: {
    levels: ['error'],
    meaning: 'The state could not be read as a whole, for a reason no other finding tells.',
    remedy: 'Do what the message says.',
    fix: null,
  },
  execution_status_invalid: STATUS,
  planning_status_invalid: STATUS,
  learning_status_invalid: STATUS,
  plane_status_invalid: STATUS,
  journal_unsupported: {
    levels: ['error'],
    meaning: 'A transaction waits to be applied that this version cannot read.',
    remedy: 'Use the version of Millrace that wrote it.',
    fix: null,
  },
  journal_torn: {
    levels: ['info'],
    meaning: 'A transaction was cut off before it happened; nothing of it counts.',
    remedy: 'The next runtime removes its remains.',
    fix: 'removes its remains',
  },
  journal_pending: {
    levels: ['info'],
    meaning: 'A transaction happened, and a crash came before it was applied to all files.',
    remedy: 'The next runtime applies it.',
    fix: 'applies it',
  },
  degraded: {
    levels: ['error'],
    meaning: 'The disk refuses what the runtime at work has decided; it tries again.',
    remedy: 'Make room or mend the disk.',
    fix: null,
  },
  // The lock.
  runtime_ownership_lock_active: {
    levels: ['info'],
    meaning: 'A runtime is at work here.',
    remedy: null,
    fix: null,
  },
  runtime_ownership_lock_stale: {
    levels: ['warning'],
    meaning: 'The runtime that owned the workspace is gone and did not give it back.',
    remedy: 'The next runtime takes over; `millrace control clear-stale-state` does so now.',
    fix: 'takes the lock over and gives it back',
  },
  runtime_ownership_lock_invalid: {
    levels: ['error'],
    meaning: 'The lock cannot be read.',
    remedy: 'Run `millrace control clear-stale-state --force` once nothing else works here.',
    fix: null,
  },
  runtime_ownership_lock_foreign: {
    levels: ['warning'],
    meaning: 'A runtime of another kind says that it owns the workspace.',
    remedy: 'End it, or run `millrace control clear-stale-state --force`.',
    fix: null,
  },
  // What waits.
  run_held: {
    levels: ['warning'],
    meaning: 'A run waits for a person.',
    remedy: 'Mend the cause, then run `millrace control clear-stale-state`.',
    fix: null,
  },
  closure_target_held: {
    levels: ['warning'],
    meaning: 'The judgement of a root spec waits.',
    remedy: 'Finish work of its lineage, or run `millrace control clear-stale-state`.',
    fix: null,
  },
  closure_lineage_drift: {
    levels: ['error'],
    meaning: 'Work belongs to a root spec and names another, so that it drops out of the closure it belongs to.',
    remedy: 'Run `millrace queue repair-lineage --root-spec-id ID`.',
    fix: null,
  },
  runtime_paused: {
    levels: ['info'],
    meaning: 'Nothing new is started for now.',
    remedy: 'Go on with `millrace resume`.',
    fix: null,
  },
  runner_waiting: {
    levels: ['info'],
    meaning: 'A provider refuses work for a time; no stage of that runner is started until then.',
    remedy: 'Try again at once with `millrace resume`.',
    fix: null,
  },
  config_reload_failed: {
    levels: ['warning'],
    meaning: 'The config or the assets were changed to something that cannot be put in force; the plan before is kept.',
    remedy: 'See `millrace config validate`.',
    fix: null,
  },
  // The queues.
  queue_artifact_invalid: {
    levels: ['error'],
    meaning: 'A work document does not follow the grammar of its kind.',
    remedy: 'Mend it; `millrace schema document.<kind>` says what it takes.',
    fix: null,
  },
  queue_artifact_set_aside: {
    levels: ['warning'],
    meaning: 'A work document nobody could read was set aside in its folder.',
    remedy: 'Mend it and give it its name back, or remove it.',
    fix: null,
  },
  duplicate_task_lifecycle_state: DUPLICATE,
  duplicate_spec_lifecycle_state: DUPLICATE,
  duplicate_incident_lifecycle_state: DUPLICATE,
  duplicate_probe_lifecycle_state: DUPLICATE,
  duplicate_learning_request_lifecycle_state: DUPLICATE,
  snapshot_reconciliation_signal: {
    levels: ['warning'],
    meaning: 'Runs and active items do not belong together one by one.',
    remedy: 'The next runtime settles it.',
    fix: null,
  },
  dependency_unsatisfiable: {
    levels: ['warning'],
    meaning: 'A queued item waits for something that cannot finish by itself.',
    remedy: 'Retry or add what it waits for, or take it out of Depends-On.',
    fix: null,
  },
  // Config and plan.
  config_in_two_places: {
    levels: ['error'],
    meaning: 'A millrace.toml lies beside the runtime root as well as in it; only the one inside is read.',
    remedy: 'Move what you need into the one that is read, and remove the other.',
    fix: null,
  },
  runtime_config_invalid: {
    levels: ['error'],
    meaning: 'The config has a syntax error, an unknown key or a value out of range.',
    remedy: 'Mend it, then run `millrace config validate`.',
    fix: null,
  },
  watchers_disabled: {
    levels: ['info'],
    meaning: 'Folders are not watched; new work is noticed only as often as the runtime looks.',
    remedy: 'Set watchers.enabled = true.',
    fix: null,
  },
  resolved_mode_invalid: {
    levels: ['error'],
    meaning: 'There is no mode of the id that is asked for.',
    remedy: 'Choose one of `millrace modes` with `millrace config set runtime.default_mode ID`.',
    fix: null,
  },
  mode_definition_invalid: {
    levels: ['error', 'warning'],
    meaning: 'The mode in force, or what the config says of its stages, does not fit together.',
    remedy: MEND_ASSET,
    fix: null,
  },
  loop_definition_invalid: {
    levels: ['error'],
    meaning: 'A loop of the mode in force is not wired as a loop has to be.',
    remedy: MEND_ASSET,
    fix: null,
  },
  configured_runner_unknown: {
    levels: ['error'],
    meaning: 'A stage is bound to a runner that there is not.',
    remedy: 'Bind it to another one, or add the runner to runners.modules.',
    fix: null,
  },
  permission_not_honoured: {
    levels: ['error'],
    meaning: 'A stage is given a permission level that its runner cannot keep to.',
    remedy: MEND_ASSET,
    fix: null,
  },
  asset_lint_structural: {
    levels: ['error'],
    meaning: 'A file the mode in force needs is missing or not what it should be.',
    remedy: MEND_ASSET,
    fix: null,
  },
  asset_lint_policy: {
    levels: ['warning'],
    meaning:
      'Something about the assets deserves a look, or a file of the workspace is broken that the mode in force does without.',
    remedy: 'Mend the file or remove it.',
    fix: null,
  },
  plan_outdated: {
    levels: ['info'],
    meaning: 'Config or assets are not what the plan on disk was compiled from.',
    remedy: 'The next start compiles it anew; `millrace reload-config` has a runtime at work do so.',
    fix: null,
  },
  permission_posture: {
    levels: ['info'],
    meaning: 'What agents may do without asking, with the key that says so.',
    remedy: null,
    fix: null,
  },
  // Runners and machine.
  runner_available: {
    levels: ['info'],
    meaning: 'The program of a runner is there and starts.',
    remedy: null,
    fix: null,
  },
  runner_binary_unavailable: {
    levels: ['error', 'warning', 'info'],
    meaning: 'The program of a runner is missing or does not start; an error where a stage of the plan needs it.',
    remedy: 'Install it, or set the command of the runner to its path.',
    fix: null,
  },
  runner_login_missing: {
    levels: ['error', 'warning', 'info'],
    meaning: 'The program of a runner has nothing to log in with; an error where a stage of the plan needs it.',
    remedy: 'Log in with the program itself, or set its key in the environment of Millrace.',
    fix: null,
  },
  runner_refuses_root: {
    levels: ['warning'],
    meaning: 'A harness refuses its permission level because you are root.',
    remedy: 'Lower the level, or say that the machine is a sandbox.',
    fix: null,
  },
  runner_environment: {
    levels: ['info'],
    meaning: 'Agents are given environment variables beyond the usual ones; only their names are told.',
    remedy: null,
    fix: null,
  },
  notify_command_missing: {
    levels: ['warning'],
    meaning: 'A rule of [notify] starts a program that is not there.',
    remedy: 'Install it, or name another in millrace.toml; a path is relative to the workspace.',
    fix: null,
  },
  notify_address_unusable: {
    levels: ['warning'],
    meaning: 'A rule of [notify] has no address it may post to.',
    remedy: 'Set the variable in the environment of the daemon, or name the host in notify.hosts.',
    fix: null,
  },
  notify_variable_missing: {
    levels: ['warning'],
    meaning: 'A rule of [notify] takes a header from an environment variable that is not set here.',
    remedy: 'Set it in the environment of the daemon.',
    fix: null,
  },
  delivery_failed: {
    levels: ['info'],
    meaning: 'Notifications were tried as often as they may be, and given up.',
    remedy: 'See them with `millrace notify ls`, and send one again with `millrace notify retry ID`.',
    fix: null,
  },
  rescue_off: {
    levels: ['info'],
    meaning: 'Working trees are not kept before stages, so that an edit an agent undoes is lost.',
    remedy: 'Do what the finding says; mostly `git init`.',
    fix: null,
  },
  platform_weaker_sweep: {
    levels: ['info'],
    meaning: 'This platform tells less about processes, so that stopping a stage may miss some.',
    remedy: null,
    fix: null,
  },
  disk_low: {
    levels: ['warning'],
    meaning: 'There is little room on the disk of the workspace.',
    remedy: 'Make room; agents and their logs need it.',
    fix: null,
  },
  disk_almost_full: {
    levels: ['error'],
    meaning: 'There is next to no room on the disk of the workspace; no stage is started.',
    remedy: 'Make room; agents and their logs need it.',
    fix: null,
  },
} as const satisfies Record<string, Registered>

export type FindingCode = keyof typeof FINDINGS

/** Codes that may be of a level. */
export type CodeAt<L extends Level> = {
  [C in FindingCode]: L extends (typeof FINDINGS)[C]['levels'][number] ? C : never
}[FindingCode]

export const FINDING_CODES = Object.keys(FINDINGS) as [FindingCode, ...FindingCode[]]

/**
 * The one error class and its closed list of codes.
 * Surfaces translate a code to an exit status or a JSON object in one place; nothing else throws for the operator.
 */

/** Exit statuses of the `millrace` command (design §11). */
export const EXIT = { done: 0, failed: 1, usage: 2, refused: 3, interrupted: 130 } as const

type ErrorKind = 'failed' | 'usage' | 'refused' | 'interrupted'

/** Every code that can reach an operator: the kind decides the exit status, the text is the reference entry. */
export const ERROR_CODES = {
  usage: { kind: 'usage', text: 'The command line is wrong: unknown verb or option, missing or malformed value.' },
  file_unreadable: {
    kind: 'usage',
    text: 'A file named on the command line is missing, unreadable or of the wrong type.',
  },
  workspace_missing: { kind: 'failed', text: 'No runtime root was found where one is needed.' },
  workspace_unwritable: {
    kind: 'failed',
    text: 'A file or folder of the workspace cannot be written (permissions, read-only or full disk).',
  },
  workspace_unsupported: { kind: 'failed', text: 'The workspace, or the machine, is not one this version can serve.' },
  path_occupied: { kind: 'refused', text: 'A file lies where a folder of the workspace belongs, or the reverse.' },
  config_invalid: { kind: 'failed', text: 'millrace.toml has a syntax error, an unknown key or a value out of range.' },
  config_in_two_places: {
    kind: 'failed',
    text: 'A millrace.toml lies beside the runtime root as well as in it; only the one inside is read.',
  },
  compile_failed: { kind: 'failed', text: 'The mode does not compile; the diagnostics say where.' },
  mode_unknown: { kind: 'failed', text: 'No mode of that id is shipped or in the workspace.' },
  asset_unknown: { kind: 'failed', text: 'No asset of that id is shipped or in the workspace.' },
  asset_localised: {
    kind: 'refused',
    text: 'The workspace has a file of its own where a packaged asset would be copied to; it is not overwritten.',
  },
  asset_invalid: { kind: 'failed', text: 'A mode, loop, stage kind, entrypoint or skill file is not valid.' },
  skill_exists: { kind: 'refused', text: 'A skill of that id is there already; nothing of it was replaced.' },
  file_exists: { kind: 'refused', text: 'A file that was to be written is there already and holds something else.' },
  plan_unknown: { kind: 'failed', text: 'No plan of that id is kept, or none is in force.' },
  document_invalid: { kind: 'failed', text: 'A work document does not follow the grammar of its kind.' },
  id_invalid: {
    kind: 'usage',
    text: 'An id is not a safe identifier: letters, digits, dot, underscore and dash, starting with a letter or digit.',
  },
  item_exists: { kind: 'refused', text: 'A work item of that kind and id exists already, in some state.' },
  item_unknown: { kind: 'failed', text: 'No work item has that id.' },
  item_ambiguous: { kind: 'usage', text: 'The id exists in several kinds or states; say which.' },
  item_duplicate: { kind: 'refused', text: 'The id lies in several places; a change of it would be a guess.' },
  order_invalid: { kind: 'refused', text: 'A new order of a queue does not name each of its items exactly once.' },
  item_state: { kind: 'refused', text: 'The work item is not in a state that allows this.' },
  kind_unclaimed: { kind: 'refused', text: 'No plane of the mode takes work items of that kind.' },
  dependency_cycle: { kind: 'refused', text: 'The dependencies of the document lead back to itself.' },
  run_unknown: { kind: 'failed', text: 'No run has that id.' },
  records_disagree: {
    kind: 'failed',
    text: 'Records of one run name different runs or plans; something changed them after they were written.',
  },
  run_state: { kind: 'refused', text: 'The run is not in a state that allows this.' },
  approval_unknown: { kind: 'failed', text: 'No approval has that id.' },
  approval_state: { kind: 'refused', text: 'The approval is not pending any more.' },
  nothing_active: { kind: 'refused', text: 'The command acts on a running item and none is active.' },
  stop_file: { kind: 'refused', text: 'STOP_AUTONOMY lies in the workspace, so no daemon is started.' },
  restart_needed: {
    kind: 'refused',
    text: 'The key counts only for a runtime that is started anew, and one is at work.',
  },
  lock_held: { kind: 'refused', text: 'Another runtime owns the workspace.' },
  lock_lost: {
    kind: 'failed',
    text: 'Another runtime has taken over the workspace; this one must not write any more.',
  },
  conflict: { kind: 'refused', text: 'A file changed between reading and writing; nothing was written.' },
  state_moved: { kind: 'refused', text: 'The workspace is not in the state any more that --if-state names.' },
  wait_elapsed: { kind: 'refused', text: 'The command was queued, but the runtime did not answer in time.' },
  state_corrupt: { kind: 'failed', text: 'A state file is unreadable and no journal record can restore it.' },
  state_newer: { kind: 'failed', text: 'A state file was written by a newer version of Millrace.' },
  degraded: {
    kind: 'failed',
    text: 'The last transaction could not be applied to the disk; nothing new is committed until it can.',
  },
  mailbox_invalid: {
    kind: 'failed',
    text: 'A mailbox command is unreadable, of an unknown kind, or has a payload that does not fit.',
  },
  runner_unavailable: { kind: 'failed', text: 'No adapter, or no binary, for a configured runner.' },
  routing_failed: { kind: 'failed', text: 'A stage result does not fit the run it claims to belong to.' },
  git_failed: { kind: 'failed', text: 'A git command did not do what was asked; the sentence says what it answered.' },
  rescue_off: { kind: 'failed', text: 'No working trees are kept here: no git repository, no git, or one it refuses.' },
  rescue_unknown: { kind: 'failed', text: 'No kept tree has that name, or it holds no such path.' },
  delivery_unknown: { kind: 'failed', text: 'No delivery of that id was given up.' },
  notify_rule_unknown: { kind: 'usage', text: 'millrace.toml has no notification rule of that name.' },
  daemon_failed: { kind: 'failed', text: 'A daemon could not be started, or ended before it was at work.' },
  demo_failed: { kind: 'failed', text: 'The demo did not end with its spec closed.' },
  not_yet: { kind: 'usage', text: 'The command exists by name but arrives with a later version.' },
  declined: { kind: 'refused', text: 'Whoever was asked said no; nothing was changed.' },
  interrupted: {
    kind: 'interrupted',
    text: 'Ended by Ctrl-C before the answer was there; what was queued stays queued.',
  },
  internal: { kind: 'failed', text: 'A defect in Millrace itself.' },
} as const satisfies Record<string, { kind: ErrorKind; text: string }>

export type ErrorCode = keyof typeof ERROR_CODES

/**
 * A failure with one clear sentence: what is wrong and where (`message`), how to mend it (`hint`).
 * Outside failures of agents are values, not errors; an error is the operator's mistake, the machine's, or ours.
 */
export class MillraceError extends Error {
  readonly code: ErrorCode
  readonly hint: string | undefined

  constructor(code: ErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'MillraceError'
    this.code = code
    this.hint = options.hint
  }

  /** Survives two copies of the module in one process. */
  static is(value: unknown): value is MillraceError {
    return value instanceof Error && value.name === 'MillraceError' && 'code' in value
  }

  get exitStatus(): number {
    return EXIT[ERROR_CODES[this.code].kind]
  }
}

/** Turns whatever was thrown into the one class; foreign errors become `internal` (or `workspace_unwritable` for disk errors). */
export function asMillraceError(thrown: unknown): MillraceError {
  if (MillraceError.is(thrown)) return thrown
  const cause = thrown instanceof Error ? thrown : new Error(String(thrown))
  const errno = (cause as NodeJS.ErrnoException).code
  if (typeof errno === 'string' && Object.hasOwn(DISK_ERRORS, errno)) {
    const path = (cause as NodeJS.ErrnoException).path
    return new MillraceError('workspace_unwritable', `${DISK_ERRORS[errno]}${path ? `: ${path}` : ''} (${errno}).`, {
      hint: 'make room or mend the permissions, then run the command again; nothing was lost',
      cause,
    })
  }
  return new MillraceError('internal', cause.message, {
    hint: 'this is a defect in Millrace; please report it with the command you ran',
    cause,
  })
}

const DISK_ERRORS: Record<string, string> = {
  ENOSPC: 'The disk is full',
  EDQUOT: 'The disk quota is used up',
  EROFS: 'The file system is read-only',
  EACCES: 'Permission denied',
  EPERM: 'Operation not permitted',
  EIO: 'The disk reported an input/output error',
  EMFILE: 'Too many files are open',
  ENFILE: 'Too many files are open on this machine',
  ENAMETOOLONG: 'A file name is too long',
  EISDIR: 'A folder lies where a file belongs',
  ENOTDIR: 'A file lies where a folder belongs',
  ELOOP: 'A link leads back to itself',
  ERR_FS_FILE_TOO_LARGE: 'A file is too large to be read',
}

/** For the default branch of an exhaustive switch: reaching it is a defect. */
export function absurd(value: never): never {
  throw new MillraceError('internal', `unexpected value ${JSON.stringify(value)}`)
}

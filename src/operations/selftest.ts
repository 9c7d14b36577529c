/** The self-test: the crash table on the user's own file system, in a scratch folder that is removed again. */
import * as path from 'node:path'
import { asMillraceError, MillraceError } from '../core/errors.ts'
import type { Operation } from '../core/operation.ts'
import { STATE_KINDS, type StateKind } from '../selftest/disk-states.ts'
import { crashTableOnDisk, empty, fileSystemFacts } from '../selftest/own-disk.ts'
import { STORIES } from '../selftest/stories.ts'
import { seeded } from '../selftest/virtual-clock.ts'
import { COMMANDS } from './commands/table.ts'
import type { Context } from './context.ts'

export interface SelftestOutput {
  ok: boolean
  interrupted: boolean
  folder: string
  seed: number
  duration_seconds: number
  file_system: {
    links: boolean
    renames: boolean
    flushes_folders: boolean
    case_sensitive: boolean
    flush_milliseconds: number
  }
  stories: number
  crash_points: number
  judged: number
  states: { state: StateKind; what: string; judged: number; held: number }[]
  broken: { story: string; state: StateKind; after: string; what: string[] }[]
}

interface SelftestInput {
  folder?: string
  crashes?: number
  seed?: number
}

/** Of each kind of state the disk may be left in. */
const CRASHES_OF_EACH = 20
const SEED_DIGITS = 6
/** A file is dated by the clock of the machine that holds it; a little later than that it has rested for certain. */
const AHEAD_MS = 60_000

export const selftestCrash: Operation<Context, SelftestInput, SelftestOutput> = {
  name: 'selftest crash',
  flavour: 'perform',
  summary: 'Crash the runtime on this file system, and see that nothing is lost.',
  description:
    'Lets the runtime die at moments drawn from stories that cover every kind of transaction, lays what such a crash may leave of a disk in a scratch folder beside the workspace, and there recovers it and carries the work on to its end. The workspace itself is not touched; the folder is removed. docs/durability.md says what is promised and what is not covered.',
  input: [
    {
      name: 'folder',
      type: 'text',
      placeholder: 'DIR',
      description: 'Make the scratch folder in there (default: beside the workspace).',
    },
    {
      name: 'crashes',
      type: 'integer',
      minimum: 1,
      default: CRASHES_OF_EACH,
      placeholder: 'N',
      description: 'Crashes of each kind.',
    },
    { name: 'seed', type: 'integer', minimum: 0, placeholder: 'N', description: 'Draw the same crashes again.' },
  ],
  examples: [
    { command: 'millrace selftest crash', does: 'about a minute of crashes on the disk the workspace lies on' },
    { command: 'millrace selftest crash --folder /mnt/nas --json', does: 'the same on another file system, as JSON' },
  ],
  output: async () => (await import('./schemas.ts')).selftestSchema(),
  async run(context, input) {
    const { files, clock } = context
    const seed = input.seed ?? Number.parseInt(clock.hex(SEED_DIGITS), 16)
    const parent = path.resolve(input.folder ?? path.dirname(context.workspaceRoot))
    const scratch = path.join(parent, `.millrace-selftest-${clock.hex(8)}`)
    makeScratch(context, parent, scratch)
    let interrupted = false
    const release = context.onSignal(() => {
      interrupted = true
    })
    const begun = clock.monotonicMs()
    try {
      const facts = await fileSystemFacts(files, scratch, () => clock.monotonicMs())
      const report = await crashTableOnDisk(
        { disk: files, packageRoot: context.packageRoot, version: context.version, commands: COMMANDS },
        STORIES,
        scratch,
        {
          ofEach: input.crashes ?? CRASHES_OF_EACH,
          random: seeded(seed),
          nowMs: () => clock.now().getTime() + AHEAD_MS,
          isOver: () => interrupted,
          progress: tellEvery(context),
        },
      )
      const states = (Object.keys(STATE_KINDS) as StateKind[]).map((state) => {
        const lost = report.broken.filter((broken) => broken.state === state).length
        const judged = report.judged[state]
        return { state, what: STATE_KINDS[state], judged, held: judged - lost }
      })
      return {
        ok: report.broken.length === 0,
        interrupted,
        folder: parent,
        seed,
        duration_seconds: Math.round((clock.monotonicMs() - begun) / 100) / 10,
        file_system: {
          links: facts.links,
          renames: facts.renames,
          flushes_folders: facts.flushesFolders,
          case_sensitive: facts.caseSensitive,
          flush_milliseconds: facts.flushMs,
        },
        stories: STORIES.length,
        crash_points: report.crashPoints,
        judged: states.reduce((sum, { judged }) => sum + judged, 0),
        states,
        broken: report.broken,
      }
    } finally {
      release()
      empty(files, scratch)
      files.removeFolder(scratch)
    }
  },
}

function makeScratch({ files }: Context, parent: string, scratch: string): void {
  if (files.stat(parent)?.kind !== 'directory')
    throw new MillraceError('file_unreadable', `There is no folder ${parent} to make the scratch folder in.`, {
      hint: 'name one with --folder',
    })
  try {
    files.makeFolder(scratch)
  } catch (error) {
    throw new MillraceError(
      'workspace_unwritable',
      `No scratch folder can be made in ${parent}: ${asMillraceError(error).message}`,
      {
        hint: 'name another folder of the same disk with --folder',
        cause: error,
      },
    )
  }
}

const TOLD_EVERY = 20

/** On a terminal, says now and then how far it is. */
function tellEvery({ live, notice }: Context): (judged: number, of: number) => void {
  return (judged, of) => {
    if (live && judged % TOLD_EVERY === 0) notice(`${judged} of ${of} crashes judged`)
  }
}

/** Having the system start the daemon by itself: writing the file it reads, and taking it away again. */
import * as path from 'node:path'
import { MillraceError } from '../../core/errors.ts'
import type { InputField, Operation } from '../../core/operation.ts'
import { readText } from '../../store/files.ts'
import { type Context, requireWorkspace } from '../context.ts'
import { isUnedited, type System, type Unit, unitOf, unitText } from './unit.ts'

export interface DaemonUnitOutput {
  workspace: string
  system: System
  name: string
  path: string
  /** How the file lay there before. */
  found: 'absent' | 'same' | 'outdated' | 'edited'
  applied: boolean
  /** The file as it was written, or would be; null where it is taken away. */
  text: string | null
  /** Where an edited file was put, so that nothing of it is lost. */
  kept_as: string | null
  /** What to run next, in this order. */
  commands: string[]
  /** True if nothing but the text was asked for. */
  text_only: boolean
}

interface UnitInput {
  systemd?: boolean
  launchd?: boolean
  mode?: string
  print?: boolean
  apply?: boolean
  force?: boolean
}

const CHOICE: readonly InputField[] = [
  { name: 'systemd', type: 'flag', description: 'A systemd user unit (the default but on macOS).' },
  { name: 'launchd', type: 'flag', description: 'A launchd agent (the default on macOS).' },
]
const APPLY: readonly InputField[] = [
  { name: 'apply', type: 'flag', description: 'Do it; without, it is only shown.' },
  { name: 'force', type: 'flag', description: 'Also where the file was edited; a copy of that is kept beside it.' },
]
const output = async () => (await import('../schemas.ts')).daemonUnitSchema()

export const daemonInstall: Operation<Context, UnitInput, DaemonUnitOutput> = {
  name: 'daemon install',
  flavour: 'perform',
  summary: 'Have systemd or launchd start the daemon.',
  description:
    'Shows the systemd user unit or launchd agent by which the system would start `run daemon` for this workspace, where it belongs, and the commands that put it in force; with --apply writes it. It starts nothing itself. An edited file is never replaced unless told by --force. Run it in the shell the harnesses work in: the file carries its PATH.',
  input: [
    ...CHOICE,
    { name: 'mode', type: 'text', placeholder: 'ID', description: 'Mode the daemon runs with.' },
    { name: 'print', type: 'flag', description: 'Print the file and nothing else.' },
    ...APPLY,
  ],
  examples: [
    { command: 'millrace daemon install', does: 'see what would be written, and where' },
    { command: 'millrace daemon install --apply', does: 'write it' },
  ],
  output,
  async run(context, input) {
    requireWorkspace(context)
    if (input.print === true && input.apply === true) {
      throw new MillraceError('usage', '`millrace daemon install` takes --print or --apply, not both.')
    }
    const unit = unitOf(systemOf('install', input), context)
    const text = unitText(unit, context, input.mode === undefined ? [] : [`--mode=${input.mode}`])
    const current = currentText(context, unit)
    const found = stateOf(current, text)
    tellTemporary(context)
    let kept_as: string | null = null
    if (input.apply === true && found !== 'same') {
      if (found === 'edited') kept_as = keep(context, unit, input.force === true)
      write(context, unit.path, text)
    }
    return {
      ...about(context, unit, found),
      applied: input.apply === true,
      text,
      kept_as,
      commands: enabling(unit),
      text_only: input.print === true,
    }
  },
}

export const daemonUninstall: Operation<Context, UnitInput, DaemonUnitOutput> = {
  name: 'daemon uninstall',
  flavour: 'perform',
  summary: 'Take away what `daemon install` wrote.',
  description:
    'Shows which file it would remove and the commands to run before; with --apply removes it. An edited one stays unless told by --force, and is then kept under another name. It stops nothing itself.',
  input: [...CHOICE, ...APPLY],
  examples: [{ command: 'millrace daemon uninstall --apply', does: 'remove the unit again' }],
  output,
  async run(context, input) {
    requireWorkspace(context)
    const unit = unitOf(systemOf('uninstall', input), context)
    const current = currentText(context, unit)
    const found = current === null ? 'absent' : isUnedited(current) ? 'same' : 'edited'
    let kept_as: string | null = null
    if (input.apply === true && found !== 'absent') {
      if (found === 'edited') kept_as = keep(context, unit, input.force === true)
      else context.files.unlink(unit.path)
    }
    return {
      ...about(context, unit, found),
      applied: input.apply === true && found !== 'absent',
      text: null,
      kept_as,
      commands: found === 'absent' ? [] : disabling(unit),
      text_only: false,
    }
  },
}

function systemOf(verb: string, input: UnitInput): System {
  if (input.systemd === true && input.launchd === true) {
    throw new MillraceError('usage', `\`millrace daemon ${verb}\` takes --systemd or --launchd, not both.`)
  }
  if (input.systemd === true) return 'systemd'
  return input.launchd === true || process.platform === 'darwin' ? 'launchd' : 'systemd'
}

const about = (context: Context, { system, name, path }: Unit, found: DaemonUnitOutput['found']) => ({
  workspace: context.workspaceRoot,
  system,
  name,
  path,
  found,
})

/** Text of the file there is; null if there is none. What is no text was not written by us. */
function currentText({ files }: Context, unit: Unit): string | null {
  try {
    return readText(files, unit.path)
  } catch (error) {
    if (error instanceof TypeError) return ''
    throw error
  }
}

function stateOf(current: string | null, text: string): DaemonUnitOutput['found'] {
  if (current === null) return 'absent'
  if (current === text) return 'same'
  return isUnedited(current) ? 'outdated' : 'edited'
}

/** Puts an edited file aside, if that was asked for; gives its new name. */
function keep({ files, clock }: Context, unit: Unit, force: boolean): string {
  if (!force) {
    throw new MillraceError('conflict', `${unit.path} was edited; it is left as it is.`, {
      hint: 'compare with `millrace daemon install --print`; --force goes ahead and keeps the edited one beside it',
    })
  }
  const stamp = clock
    .now()
    .toISOString()
    .replace(/[-:]|\.\d+/g, '')
  const kept = `${unit.path}.${stamp}.edited`
  files.link(unit.path, kept)
  files.unlink(unit.path)
  return kept
}

function write({ files, clock }: Context, file: string, text: string): void {
  const temporary = `${file}.${clock.hex(8)}.new`
  files.makeFolder(path.dirname(file))
  files.write(temporary, text, { exclusive: true, mode: 0o644 })
  files.rename(temporary, file)
}

/** A program in the cache of npx may be gone tomorrow. */
function tellTemporary({ program, notice }: Context): void {
  if (program.some((part) => part.includes(`${path.sep}_npx${path.sep}`)))
    notice(
      'this Millrace lies in the cache of npx, which may be emptied: install it first, then run this command again',
    )
}

const enabling = ({ system, name, path: file }: Unit): string[] =>
  system === 'systemd'
    ? ['systemctl --user daemon-reload', `systemctl --user enable --now ${name}`, 'loginctl enable-linger']
    : [`launchctl bootstrap gui/$(id -u) ${shellWord(file)}`]

const disabling = ({ system, name }: Unit): string[] =>
  system === 'systemd'
    ? [`systemctl --user disable --now ${name}`, 'systemctl --user daemon-reload']
    : [`launchctl bootout gui/$(id -u)/${name}`]

const shellWord = (text: string): string =>
  /^[\w/.@+-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`

/** The file by which a system starts the daemon of a workspace by itself: a systemd user unit or a launchd agent. */
import * as os from 'node:os'
import * as path from 'node:path'
import { MillraceError } from '../../core/errors.ts'
import { sha256 } from '../../core/ids.ts'
import { AT } from '../../store/layout.ts'
import { type Context, placesIn } from '../context.ts'

export const SYSTEMS = ['systemd', 'launchd'] as const
export type System = (typeof SYSTEMS)[number]

export interface Unit {
  system: System
  /** As the system knows it: unit name or label. */
  name: string
  /** Absolute path the system reads it from. */
  path: string
}

type Place = Pick<Context, 'workspaceRoot' | 'environment'>

const SLUG_CHARS_MAX = 40
const HASH_DIGITS = 6

/** Where the file of a workspace belongs. Two workspaces of one name do not share one. */
export function unitOf(system: System, { workspaceRoot, environment }: Place): Unit {
  const words = path
    .basename(workspaceRoot)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, SLUG_CHARS_MAX)
    .replace(/^-+|-+$/g, '')
  const slug = [words, sha256(workspaceRoot).slice(0, HASH_DIGITS)].filter((part) => part !== '').join('-')
  const home = environment.HOME ?? os.homedir()
  if (system === 'systemd') {
    const name = `millrace-${slug}.service`
    const config = environment.XDG_CONFIG_HOME || path.join(home, '.config')
    return { system, name, path: path.join(config, 'systemd', 'user', name) }
  }
  const name = `dev.millrace.${slug}`
  return { system, name, path: path.join(home, 'Library', 'LaunchAgents', `${name}.plist`) }
}

interface Contents {
  workspace: string
  log: string
  /** What is run, argument by argument. */
  command: readonly string[]
  searchPath: string
}

/** Text of the file. Throws `usage` for a path no such file can hold. */
export function unitText(unit: Unit, context: Context, options: readonly string[]): string {
  const { workspaceRoot: workspace, program, environment, overrides } = context
  const command = [
    ...program,
    ...['run', 'daemon', '--workspace', workspace, '--monitor', 'basic'],
    ...options,
    ...overrides.map((override) => `--set=${override}`),
  ]
  const log = placesIn(context).at(AT.daemonLog)
  const contents = { workspace, log, command, searchPath: environment.PATH ?? '' }
  for (const value of [...command, contents.searchPath]) refuseUnspeakable(value, unit)
  const text = unit.system === 'systemd' ? systemdUnit(contents) : launchdAgent(unit.name, contents)
  return text.replace(NO_SUM, sha256(text))
}

/** Values stand on one line; what ends in a backslash or a blank would run on or be cut there. */
function refuseUnspeakable(value: string, { system }: Unit): void {
  if (!/[\u0000-\u001f\u007f]|[\\\s]$/.test(value)) return
  throw new MillraceError('usage', `No file of ${system} can hold ${JSON.stringify(value)}.`, {
    hint: 'it has a line break or the like in it, or ends in a blank or a backslash',
  })
}

const NO_SUM = '0'.repeat(64)
const SUM = /millrace-sum: ([0-9a-f]{64})/

/** Whether a file is as `daemon install` once wrote it, by the sum it carries of itself. */
export function isUnedited(text: string): boolean {
  const sum = SUM.exec(text)?.[1]
  return sum !== undefined && sha256(text.replace(sum, NO_SUM)) === sum
}

// ---- systemd -------------------------------------------------------------------------------------------------------

/** `%` begins a specifier everywhere in a unit. */
const plain = (text: string): string => text.replaceAll('%', '%%')
const quoted = (text: string): string => `"${plain(text).replace(/["\\]/g, '\\$&')}"`
/** An argument; of the program itself a `$` is taken as it is. */
const argument = (text: string, at: number): string => quoted(at === 0 ? text : text.replaceAll('$', '$$$$'))

function systemdUnit({ workspace, log, command, searchPath }: Contents): string {
  return `# Written by \`millrace daemon install\`, which never replaces an edited copy unless told to.
# Settings of your own are best kept apart: systemctl --user edit NAME
# millrace-sum: ${NO_SUM}

[Unit]
Description=Millrace daemon of ${plain(workspace)}
# A daemon that cannot start (a config with an error, say) is not tried for ever.
StartLimitIntervalSec=300
StartLimitBurst=5

[Service]
Type=exec
WorkingDirectory=${plain(workspace)}
ExecStart=${command.map(argument).join(' ')}

# Services do not read the files a shell reads. This is the PATH of the shell that wrote this file, by which the
# harnesses are found; after it changes, write the file anew. Keys that harnesses need belong into a file only you can
# read, named by EnvironmentFile=.
Environment=${quoted(`PATH=${searchPath}`)}

# What \`millrace daemon logs\` shows.
StandardOutput=append:${plain(log)}
StandardError=append:${plain(log)}

# 2 and 3: the command line is wrong, or another runtime owns the workspace. Trying again would not help.
Restart=on-failure
RestartSec=5
RestartPreventExitStatus=2 3

# Only the daemon itself is signalled. A stop asks it to end, and it ends its agents in three steps. Where it dies, its
# agents go on, and the next daemon adopts them; any other KillMode would kill them with it.
KillMode=process
TimeoutStopSec=120

[Install]
WantedBy=default.target
`
}

// ---- launchd -------------------------------------------------------------------------------------------------------

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' }
const xml = (text: string): string => `<string>${text.replace(/[&<>]/g, (one) => ENTITIES[one]!)}</string>`

function launchdAgent(label: string, { workspace, log, command, searchPath }: Contents): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<!-- Written by "millrace daemon install", which never replaces an edited copy unless told to.
     millrace-sum: ${NO_SUM} -->
<plist version="1.0">
<dict>
  <key>Label</key>
  ${xml(label)}
  <key>ProgramArguments</key>
  <array>
${command.map((argument) => `    ${xml(argument)}`).join('\n')}
  </array>
  <key>WorkingDirectory</key>
  ${xml(workspace)}
  <!-- The PATH of the shell that wrote this file, by which the harnesses are found. -->
  <key>EnvironmentVariables</key>
  <dict>
    <key>PATH</key>
    ${xml(searchPath)}
  </dict>
  <!-- What "millrace daemon logs" shows. -->
  <key>StandardOutPath</key>
  ${xml(log)}
  <key>StandardErrorPath</key>
  ${xml(log)}
  <key>RunAtLoad</key>
  <true/>
  <!-- Started again only where it failed, not after "millrace daemon stop". -->
  <key>KeepAlive</key>
  <dict>
    <key>SuccessfulExit</key>
    <false/>
  </dict>
  <key>ThrottleInterval</key>
  <integer>30</integer>
  <!-- Where the daemon dies, its agents go on, and the next daemon adopts them. -->
  <key>AbandonProcessGroup</key>
  <true/>
</dict>
</plist>
`
}

/**
 * Operating system processes: the only module that starts or signals one and the only one that reads `/proc`.
 * What a process means to a stage (deadlines, stopping, results) is decided elsewhere.
 */
import type { ChildProcess } from 'node:child_process'
import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'

/** Every agent process carries `MILLRACE_REQUEST_ID=<request id>`; it is what the sweep looks for. */
export const MARKER = 'MILLRACE_REQUEST_ID'

/** Loaded by who starts a process; most only ask which ones there are. */
const starting = () => process.getBuiltinModule('node:child_process')

const LINUX = process.platform === 'linux'
const ENVIRON_CHUNK_BYTES = 64 * 1024
const ENVIRON_BYTES_MAX = 8 * 1024 * 1024
const COMMAND_CHARS_MAX = 200

// ---- who a process is -------------------------------------------------------------------------------------------

/** Tells one process from every other, also from a later one with the same pid. */
export interface ProcessIdentity {
  pid: number
  /** Clock ticks since boot (Linux) or the start time as `ps` prints it (macOS); empty if it may not be looked at. */
  startTime: string
  bootId: string
  /** Pid namespace, such as `pid:[4026531836]`; empty where there is none or it may not be read. */
  pidNamespace: string
  /** Dead, but not yet reaped by its parent. */
  zombie: boolean
}

export interface ProcessIdentities {
  /** The process of that pid now; null if there is none. */
  identify(pid: number): ProcessIdentity | null
  self(): ProcessIdentity
  /** True if exactly that process still runs: same boot, same start time, not a zombie. */
  alive(pid: number, startTime: string, bootId: string): boolean
  /** False if there was nothing to signal, or no right to. A negative pid means a process group. */
  kill(pid: number, signal: NodeJS.Signals): boolean
  /** Milliseconds since boot, sleep of the machine included; comparable between processes of one boot. */
  bootMs(): number
}

export const processIdentity: ProcessIdentities = {
  identify: LINUX ? identifyByProc : identifyByPs,
  self() {
    const identity = processIdentity.identify(process.pid)
    if (identity === null) throw new Error('this process cannot be found in the process table')
    return identity
  },
  alive(pid, startTime, bootId) {
    const found = processIdentity.identify(pid)
    return found !== null && !found.zombie && found.startTime === startTime && found.bootId === bootId
  },
  kill(pid, signal) {
    // 0 and -1 mean "my group" and "everything"; 1 is the init process. None of them is ever an agent.
    if (!Number.isInteger(pid) || Math.abs(pid) <= 1) return false
    try {
      return process.kill(pid, signal)
    } catch {
      return false
    }
  },
  bootMs: () => os.uptime() * 1000,
}

/** Fields of `/proc/<pid>/stat` after the command, which is in brackets and may itself hold brackets and blanks. */
function procStat(pid: number): string[] | null {
  try {
    const line = fs.readFileSync(`/proc/${pid}/stat`, 'latin1')
    return line.slice(line.lastIndexOf(')') + 2).split(' ')
  } catch {
    return null
  }
}

function identifyByProc(pid: number): ProcessIdentity | null {
  const stat = procStat(pid)
  if (stat === null) return hidden(pid)
  let pidNamespace = ''
  try {
    pidNamespace = fs.readlinkSync(`/proc/${pid}/ns/pid`)
  } catch {
    // A zombie has none, and that of another user may not be read.
  }
  // Fields 3 (state) and 22 (start time) of proc(5).
  return { pid, startTime: stat[19] ?? '', bootId: bootId(), pidNamespace, zombie: stat[0] === 'Z' || stat[0] === 'X' }
}

/**
 * A process that could not be looked at: null if there is none. One of another user may be hidden (`hidepid`), and the
 * look itself may fail (no descriptor, no `ps`); only "no such process" is proof that there is none.
 */
function hidden(pid: number): ProcessIdentity | null {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return null
  }
  return { pid, startTime: '', bootId: bootId(), pidNamespace: '', zombie: false }
}

function identifyByPs(pid: number): ProcessIdentity | null {
  const line = ask('ps', ['-o', 'state=,lstart=', '-p', String(pid)])
  const match = /^(\S+)\s+(.+)$/.exec(line)
  if (!match) return hidden(pid)
  return { pid, startTime: match[2]!, bootId: bootId(), pidNamespace: '', zombie: match[1]!.startsWith('Z') }
}

let knownBootId: string | undefined
function bootId(): string {
  knownBootId ??= LINUX
    ? fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    : ask('sysctl', ['-n', 'kern.bootsessionuuid'])
  return knownBootId
}

const ASKED_TIMEOUT_MS = 5000
const ASKED_BYTES_MAX = 64 * 1024 * 1024

/** Output of a short system program; empty if it failed. */
function ask(program: string, args: string[]): string {
  const done = starting().spawnSync(program, args, {
    encoding: 'utf8',
    timeout: ASKED_TIMEOUT_MS,
    maxBuffer: ASKED_BYTES_MAX,
    // Two processes must read the same start time, wherever their users are.
    env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' },
  })
  return done.status === 0 ? done.stdout.trim() : ''
}

// ---- which processes belong to a stage ---------------------------------------------------------------------------

export interface Carrier {
  pid: number
  /** Command line, cut after 200 characters. */
  command: string
  /** Leader of a session of its own, as every keeper is. */
  leader: boolean
}

/**
 * Every living process that carries the request's marker, whatever its parent, group or session.
 * One pass over the process table; on macOS `ps` shows the environment of the user's own processes only.
 */
export function carriersOf(requestId: string): Carrier[] {
  if (!LINUX) return carriersByPs(requestId)
  const marker = Buffer.from(`${MARKER}=${requestId}\0`)
  const buffer = Buffer.allocUnsafe(ENVIRON_CHUNK_BYTES)
  const found: Carrier[] = []
  for (const name of fs.readdirSync('/proc')) {
    const pid = Number(name)
    if (!Number.isInteger(pid) || pid === process.pid || !environHolds(name, marker, buffer)) continue
    const stat = procStat(pid)
    if (stat === null || stat[0] === 'Z' || stat[0] === 'X') continue
    found.push({ pid, command: commandOf(pid), leader: stat[3] === name })
  }
  return found
}

function environHolds(pid: string, marker: Buffer, buffer: Buffer): boolean {
  let descriptor: number
  try {
    descriptor = fs.openSync(`/proc/${pid}/environ`, 'r')
  } catch {
    return false // gone meanwhile, or of another user
  }
  try {
    buffer[0] = 0 // a match must begin a variable, and the first one has nothing before it
    let kept = 1
    for (let total = 0; total < ENVIRON_BYTES_MAX; ) {
      const count = fs.readSync(descriptor, buffer, kept, buffer.length - kept, null)
      if (count === 0) return false
      const text = buffer.subarray(0, kept + count)
      for (let at = text.indexOf(marker); at !== -1; at = text.indexOf(marker, at + 1)) {
        if (text[at - 1] === 0) return true
      }
      kept = Math.min(text.length, marker.length + 1) // the marker may lie across two reads
      buffer.copyWithin(0, text.length - kept, text.length)
      total += count
    }
    return false
  } catch {
    return false
  } finally {
    fs.closeSync(descriptor)
  }
}

function commandOf(pid: number): string {
  try {
    const line = fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8')
    return line.replaceAll('\0', ' ').trim().slice(0, COMMAND_CHARS_MAX)
  } catch {
    return ''
  }
}

function carriersByPs(requestId: string): Carrier[] {
  const needle = `${MARKER}=${requestId}`
  return ask('ps', ['-AEww', '-o', 'pid=,pgid=,state=,command='])
    .split('\n')
    .flatMap((line) => {
      const match = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line)
      if (!match || match[3]!.startsWith('Z') || !match[4]!.split(' ').includes(needle)) return []
      const pid = Number(match[1])
      if (pid === process.pid) return []
      const command = match[4]!.split(/ [A-Za-z_]\w*=/, 1)[0]!
      return [{ pid, command: command.slice(0, COMMAND_CHARS_MAX), leader: match[1] === match[2] }]
    })
}

/** Clock ticks per second in which Linux tells CPU time, on every machine. */
const TICKS_PER_SECOND = 100

/** CPU time used so far by every process that carries the request's marker, children it waited for included, in ms. */
export function cpuMsOf(requestId: string): number {
  const pids = carriersOf(requestId).map(({ pid }) => pid)
  if (!LINUX) return pids.length === 0 ? 0 : cpuMsByPs(pids)
  return pids.reduce((sum, pid) => {
    // Fields 14 to 17 of proc(5).
    const ticks = (procStat(pid) ?? []).slice(11, 15)
    return sum + ticks.reduce((all, field) => all + Number(field), 0) * (1000 / TICKS_PER_SECOND)
  }, 0)
}

/** True if a process is stopped by a signal, or by a debugger: it does nothing until somebody lets it go on. */
export function isStopped(pid: number): boolean {
  const state = LINUX ? procStat(pid)?.[0] : ask('ps', ['-o', 'state=', '-p', String(pid)])[0]
  return state === 'T' || state === 't'
}

/** `ps` writes `[[dd-]hh:]mm:ss.ss`. */
function cpuMsByPs(pids: readonly number[]): number {
  return ask('ps', ['-o', 'time=', '-p', pids.join(',')])
    .split('\n')
    .reduce((sum, line) => {
      const seconds = line
        .trim()
        .split(/[-:]/)
        .reduceRight<{ s: number; unit: number }>(
          ({ s, unit }, part) => ({ s: s + Number(part || 0) * unit, unit: unit * (unit === 3600 ? 24 : 60) }),
          { s: 0, unit: 1 },
        )
      return sum + seconds.s * 1000
    }, 0)
}

export interface ProcessUse {
  memoryBytes: number
  /** CPU time used so far, in ms. */
  cpuMs: number
}

/** What one process uses; null if it is gone or may not be looked at. */
export function usedBy(pid: number): ProcessUse | null {
  if (!LINUX) {
    const kib = Number(ask('ps', ['-o', 'rss=', '-p', String(pid)]))
    return kib > 0 ? { memoryBytes: kib * 1024, cpuMs: cpuMsByPs([pid]) } : null
  }
  const stat = procStat(pid)
  try {
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]
    if (stat === null || kib === undefined) return null
    const ticks = Number(stat[11]) + Number(stat[12])
    return { memoryBytes: Number(kib) * 1024, cpuMs: ticks * (1000 / TICKS_PER_SECOND) }
  } catch {
    return null
  }
}

// ---- starting ------------------------------------------------------------------------------------------------------

/** Absolute path of a program as the shell would find it; null if there is none that may be executed. */
export function findProgram(program: string, searchPath: string, folder: string): string | null {
  const candidates = program.includes('/')
    ? [path.resolve(folder, program)]
    : searchPath.split(':').map((entry) => path.resolve(folder, entry, program))
  return candidates.find(isExecutable) ?? null
}

function isExecutable(file: string): boolean {
  try {
    fs.accessSync(file, fs.constants.X_OK)
    return fs.statSync(file).isFile()
  } catch {
    return false
  }
}

/**
 * The keeper: outlives the runtime, waits for the agent and leaves its exit status. Built-ins only, so that it works
 * under any PATH. The line feed ends the record: a reader takes a record without it as not yet there.
 */
const KEEPER = 'trap : TERM INT HUP; echo $$ >"$1"; e=$2; shift 2; "$@"; s=$?; echo $s >"$e"; exit $s'

interface Launch {
  /** Absolute path of the program. */
  program: string
  args: readonly string[]
  cwd: string
  env: Record<string, string>
  /** Open descriptors; the caller closes its own copies afterwards. */
  stdin: number
  stdout: number
  stderr: number
  /** Where the keeper leaves its pid, first thing, and the exit status, last thing. */
  pidFile: string
  exitFile: string
}

export interface Launched {
  identity: ProcessIdentity
  /** Exit status of the keeper, which is that of the program; null if the keeper was ended by a signal. */
  ended: Promise<number | null>
  /** Keeps this runtime alive until the agent has ended; without it the agent is simply left running. */
  hold(): void
}

/** Starts a program under the keeper in a session of its own. Gives the reason if it could not be started. */
export async function startDetached(launch: Launch): Promise<Launched | { problem: string }> {
  let child: ChildProcess
  try {
    child = starting().spawn(
      '/bin/sh',
      ['-c', KEEPER, 'millrace-keeper', launch.pidFile, launch.exitFile, launch.program, ...launch.args],
      { cwd: launch.cwd, env: launch.env, detached: true, stdio: [launch.stdin, launch.stdout, launch.stderr] },
    )
  } catch (error) {
    return { problem: (error as Error).message }
  }
  if (child.pid === undefined) {
    const error = await new Promise<Error>((resolve) => child.once('error', resolve))
    return { problem: error.message }
  }
  child.on('error', () => {}) // what follows a successful start is told by `exit`
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)))
  // Not reaped before this turn of the event loop ends, so it is there to be identified even if it died at once.
  const identity = processIdentity.identify(child.pid)
  child.unref()
  if (identity === null) return { problem: `process ${child.pid} vanished as it was started` }
  return { identity, ended, hold: () => child.ref() }
}

/** A child with pipes on all three ends, in a session of its own so that its whole group can be ended. */
export function spawnPiped(
  file: string,
  args: readonly string[],
  cwd: string,
  env: Record<string, string | undefined>,
) {
  return starting().spawn(file, args, { cwd, env, detached: true, stdio: 'pipe' })
}

/** A child one speaks with on stdin and stdout, in a session of its own; it shares our stderr and our environment. */
export function spawnPartner(file: string, args: readonly string[]) {
  return starting().spawn(file, args, { detached: true, stdio: ['pipe', 'pipe', 'inherit'] })
}

/** A child in a session of its own that has no input, writes to one descriptor, and can tell us something once. */
export function spawnAlone(
  file: string,
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string | undefined>>,
  output: number,
) {
  return starting().spawn(file, args, {
    cwd,
    env: { ...env },
    detached: true,
    stdio: ['ignore', output, output, 'ipc'],
  })
}

/**
 * Hands text to a command of the shell that shows it on our terminal, and waits until that has ended. Gives its exit
 * status, as the shell tells it; null if it was ended by a signal or could not be started.
 */
export function showThrough(
  command: string,
  text: string,
  env: Record<string, string | undefined>,
): Promise<number | null> {
  return new Promise((resolve) => {
    // In our group: it is in the foreground as we are, and its keys are its own.
    const child = starting().spawn('/bin/sh', ['-c', command], { env, stdio: ['pipe', 'inherit', 'inherit'] })
    child.once('error', () => resolve(null))
    child.once('close', (code) => resolve(code))
    child.stdin.on('error', () => {}) // whoever has seen enough closes it
    child.stdin.end(text)
  })
}

/**
 * The runner of every harness that takes one prompt, works and exits: starts it detached, follows it, and turns what
 * it left into one raw result. Works the same whether or not the process that follows is the one that started.
 */
import { type Clock, isoTime } from '../core/clock.ts'
import type { Files } from '../core/files.ts'
import type { StageRequest } from '../core/request.ts'
import type { FailureCause, RawResult } from '../core/result.ts'
import { accountOf } from './account.ts'
import { aliveHandle, keeperPid } from './adopt.ts'
import {
  completionRecord,
  invocationRecord,
  readExit,
  readHandle,
  readInvocation,
  readStop,
  runFiles,
  writeHandle,
  writeJson,
} from './artifacts.ts'
import { blankResult, endingOf, type StageLimits, sweepNotes } from './ending.ts'
import { agentEnvironment, type Environment, stageVariables } from './environment.ts'
import { type AgentEnd, followAgent } from './follow.ts'
import type { Findings, Harness, Transcript } from './harness.ts'
import { growingFile, type Line, readTail } from './lines.ts'
import { liveView } from './live-view.ts'
import { carriersOf, findProgram, type Launched, processIdentity, startDetached } from './process.ts'
import { renderPrompt } from './prompt.ts'
import type { Handle, Progress, Remains, Runner, UsageWatch } from './runner.ts'
import { stallWatch } from './stall.ts'
import { delay, sweepMarked } from './sweep.ts'

export interface RunnerPorts {
  files: Files
  clock: Clock
  /** Our own environment, of which agents get the allowed part. */
  environment: Environment
  /** Where relative program paths of the configuration begin. */
  workspaceRoot: string
}

interface RunnerLimits extends StageLimits {
  stopGraceSeconds: number
}

/** Longest final message that is taken from a file; a longer one keeps its end, where the marker is. */
const MESSAGE_BYTES_MAX = 1024 * 1024
const STDERR_TAIL_BYTES = 16 * 1024
/** Events read in one go; the rest waits for the next poll, so that a flood does not hold up the tick. */
const EVENT_BYTES_PER_POLL = 4 * 1024 * 1024
const DEFAULT_PATH = '/usr/local/bin:/usr/bin:/bin'

export function oneShotRunner(harness: Harness, ports: RunnerPorts, limits: RunnerLimits): Runner {
  const { files, clock } = ports
  const children = new Map<string, Launched>()

  const blank = (request: StageRequest, startedAt: string) => blankResult(request, harness.name, startedAt)

  const start = async (request: StageRequest, startedAt: string): Promise<Handle | RawResult> => {
    const run = runFiles(request)
    const notStarted = (message: string, cause: FailureCause | null, argv: readonly string[] = []): RawResult => {
      files.write(run.stderr, `${message}\n`)
      const raw: RawResult = {
        ...blank(request, startedAt),
        cause,
        message,
        exit_code: cause === 'missing_binary' ? 127 : null,
        stderr_path: run.stderr,
        ended_at: isoTime(clock.now()),
      }
      writeJson(files, run.completion, completionRecord(request, raw, argv, null, raw.ended_at))
      return raw
    }

    files.makeFolder(request.run_dir)
    if (files.stat(run.pid) !== null) {
      const message = `Request ${request.request_id} was started before; the same request is never started twice.`
      return { ...blank(request, startedAt), message }
    }
    const account = request.resume_session === null ? accountOf(files, request, harness) : undefined
    files.write(run.prompt, renderPrompt(request, account))
    const command = harness.command(request, run)
    if ('refused' in command) return notStarted(command.refused, command.cause ?? 'missing_binary')

    const set = { ...command.env, ...stageVariables(request.request_id, request.run_dir) }
    const env = agentEnvironment(ports.environment, { prefixes: command.envPrefixes, pass: command.envPass, set })
    const [name = '', ...args] = command.argv
    writeJson(
      files,
      run.invocation,
      invocationRecord(request, {
        runnerName: harness.name,
        argv: command.argv,
        promptPath: run.prompt,
        cwd: request.workspace_root,
        environmentNames: Object.keys(env),
        emittedAt: startedAt,
      }),
    )
    const find = (wanted: string) => findProgram(wanted, env.PATH ?? DEFAULT_PATH, ports.workspaceRoot)
    const program = find(name)
    const missing = [name, ...(command.needs === undefined ? [] : [command.needs])].find((own) => find(own) === null)
    if (program === null || missing !== undefined) {
      const message = `The program ${JSON.stringify(missing)} of runner ${harness.name} was not found or may not be executed.`
      return notStarted(message, 'missing_binary', command.argv)
    }

    const deadline = processIdentity.bootMs() + request.timeout_seconds * 1000
    const descriptors: number[] = []
    const open = (file: string, mode: 'read' | 'append'): number => {
      const descriptor = files.open(file, mode)
      descriptors.push(descriptor)
      return descriptor
    }
    let launched: Launched | { problem: string }
    try {
      launched = await startDetached({
        program,
        args,
        cwd: request.workspace_root,
        env,
        stdin: open(run.prompt, 'read'),
        stdout: open(harness.output === 'events' ? run.events : run.stdout, 'append'),
        stderr: open(run.stderr, 'append'),
        pidFile: run.pid,
        exitFile: run.exit,
      })
    } finally {
      for (const descriptor of descriptors) files.close(descriptor)
    }
    if ('problem' in launched) {
      return notStarted(`Runner ${harness.name} could not be started: ${launched.problem}.`, null, command.argv)
    }
    children.set(request.request_id, launched)
    const handle: Handle = {
      request_id: request.request_id,
      run_id: request.run_id,
      runner_name: harness.name,
      pid: launched.identity.pid,
      start_time: launched.identity.startTime,
      boot_id: launched.identity.bootId,
      run_dir: request.run_dir,
      started_at: startedAt,
      deadline_boot_ms: deadline,
      stop_grace_seconds: limits.stopGraceSeconds,
    }
    try {
      writeHandle(files, run.handle, handle)
    } catch {
      // A full disk: the agent runs, is followed here, and is found again by its pid file or its marker.
    }
    return handle
  }

  /** Everything after the process has ended and been swept; the same for a followed and a found agent. */
  const conclude = async (
    request: StageRequest,
    startedAt: string,
    end: AgentEnd,
    reading: Reading,
  ): Promise<RawResult> => {
    const run = runFiles(request)
    await reading.finish(clock)
    const stdout = harness.output === 'text' ? readTail(files, run.stdout, MESSAGE_BYTES_MAX) : null
    const stderr = readTail(files, run.stderr, STDERR_TAIL_BYTES)
    const findings = reading.transcript.findings({
      exitCode: end.exitCode,
      at: end.at,
      stdout,
      stderr,
      lastMessage: readTail(files, run.lastMessage, MESSAGE_BYTES_MAX),
    })
    const notes = [...findings.notes, ...sweepNotes(end)]
    /** A record that cannot be written does not undo the work it tells of. */
    const record = (write: () => void): void => {
      try {
        write()
      } catch (error) {
        notes.push(`not recorded: ${(error as Error).message}`)
      }
    }
    const message = findings.finalMessage
    if (harness.output === 'events' && message !== null) record(() => files.write(run.stdout, message))
    const existing = (file: string) => (files.stat(file) === null ? null : file)
    const ending = endingOf(request, end, findings, stderr, limits)
    const raw: RawResult = {
      ...blank(request, startedAt),
      ...ending,
      ...(end.asked === 'timed_out' || end.asked === 'stalled' ? timeLost(ending.message, findings) : {}),
      ...(end.asked === 'over_budget' && reading.breach !== null ? { message: stoppedBy(reading.breach) } : {}),
      exit_code: end.exitCode,
      final_message: findings.finalMessage,
      session_id: findings.sessionId,
      stdout_path: existing(run.stdout),
      stderr_path: existing(run.stderr),
      event_log_path: existing(run.events),
      token_usage: findings.usage,
      ended_at: isoTime(end.at) < startedAt ? startedAt : isoTime(end.at),
      swept: end.swept.found.map(({ pid, command }) => ({ pid, command })),
      notes,
    }
    const argv = readInvocation(files, run.invocation)?.command ?? []
    const structured = existing(request.terminal_result_path)
    const completion = completionRecord(request, raw, argv, structured, isoTime(clock.now()))
    record(() => writeJson(files, run.completion, completion))
    return raw
  }

  /** The last resort when what the agent left cannot be read: the work is not taken for done. */
  const unreadable = (request: StageRequest, startedAt: string, error: unknown): RawResult => ({
    ...blank(request, startedAt),
    ending: 'killed',
    message: `What the agent left could not be read: ${(error as Error).message}.`,
    ended_at: isoTime(clock.now()),
  })

  const newReading = (request: StageRequest, watch?: UsageWatch): Reading => {
    const transcript = harness.transcript(request.resume_session)
    const events = harness.output === 'events' ? runFiles(request).events : null
    return readingOf(files, transcript, events, watch)
  }

  return {
    name: harness.name,
    adoptable: true,

    start: (request) => start(request, isoTime(clock.now())),

    follow(request, handle, watch) {
      const reading = newReading(request, watch)
      const stall = stallWatch(request, limits.stalledAfterSeconds, ports)
      const agent = {
        handle,
        own: children.get(request.request_id) ?? null,
        run: runFiles(request),
        outputBytesMax: limits.outputBytesMax,
        keepBackground: request.keep_background,
        onPoll: ({ outputBytes }: Progress) => reading.poll() ?? (stall.isStalled(outputBytes) ? 'stalled' : null),
      }
      const following = followAgent(agent, ports)
      const result = following.ended
        .then((end) => conclude(request, handle.started_at, end, reading))
        .catch((error) => unreadable(request, handle.started_at, error))
        .finally(() => children.delete(request.request_id))
      return {
        result,
        async stop(reason) {
          following.stop(reason)
          await result
        },
        progress: following.progress,
      }
    },

    view: (request) => liveView(harness, request, files),

    async remains(request): Promise<Remains> {
      const run = runFiles(request)
      const alive = () => aliveHandle(request, run, harness.name, limits.stopGraceSeconds, ports)
      if (readExit(files, run.exit) !== null) return { state: 'finished' }
      const handle = alive()
      if (handle !== null) return { state: 'alive', handle }
      // It may have ended between the two looks.
      if (readExit(files, run.exit) !== null) return { state: 'finished' }
      return { state: 'gone', begun: files.stat(run.pid) !== null || files.stat(run.handle) !== null }
    },

    async collect(request) {
      const run = runFiles(request)
      const startedAt =
        readHandle(files, run.handle)?.started_at ??
        readInvocation(files, run.invocation)?.emitted_at ??
        isoTime(clock.now())
      try {
        const exitCode = readExit(files, run.exit)?.code ?? null
        const asked = readStop(files, run.stop)
        const spare = request.keep_background && asked === null && exitCode === 0
        const keeper = keeperPid(files, run)
        const others = carriersOf(request.request_id).filter(({ pid }) => pid !== keeper)
        const swept = spare ? { found: [], left: [] } : await sweepMarked(request.request_id, clock)
        const found = swept.found.filter(({ pid }) => pid !== keeper)
        const mtimeMs = files.stat(run.exit)?.mtimeMs
        const at = mtimeMs === undefined ? clock.now() : new Date(mtimeMs)
        const end = { exitCode, asked, swept: { ...swept, found }, spared: spare ? others : [], at }
        return await conclude(request, startedAt, end, newReading(request))
      } catch (error) {
        return unreadable(request, startedAt, error)
      }
    },

    async sweep(requestId) {
      return (await sweepMarked(requestId, clock)).found.length
    },

    probe: (lookOnly) => harness.probe(lookOnly),
    ...(harness.quota === undefined ? {} : { quota: harness.quota }),
  }
}

/** A stage that ran out of time while its surroundings failed lost the time to them: no defect budget pays for that. */
function timeLost(message: string | null, { failure }: Findings): Partial<RawResult> {
  if (failure === null || failure.cause === null) return {}
  return { cause: failure.cause, message: `${message?.replace(/\.$/, '')}; it was told: ${failure.message}` }
}

// ---- reading events while they come ------------------------------------------------------------------------------------

interface Reading {
  transcript: Transcript
  /** The rule on usage that was found to be over, in a sentence. */
  readonly breach: string | null
  /** Reads on; gives why the agent is to be stopped, if it is. */
  poll(): 'over_budget' | null
  /** Reads the rest, giving others a turn between pieces. */
  finish(clock: Clock): Promise<void>
}

const stoppedBy = (breach: string): string => `The agent was stopped: ${breach}.`

/** `events`: the file the harness prints events into; null if it prints none. */
function readingOf(files: Files, transcript: Transcript, events: string | null, watch?: UsageWatch): Reading {
  let breach: string | null = null
  const take = (line: Line): void => {
    transcript.line(line)
    const used = transcript.usage()
    const found = used === null ? null : (watch?.(used) ?? null)
    breach ??= found
  }
  const file = events === null ? null : growingFile(files, events, take)
  return {
    transcript,
    get breach() {
      return breach
    },
    poll() {
      try {
        file?.read(EVENT_BYTES_PER_POLL)
      } catch {
        // Read again on the next poll; if it still fails at the end, the result says so.
      }
      // Work that is done is not thrown away because it was dear.
      return breach !== null && transcript.isOver?.() !== true ? 'over_budget' : null
    },
    async finish(clock) {
      while (file?.read(EVENT_BYTES_PER_POLL)) await delay(clock, 0)
      file?.end()
    },
  }
}

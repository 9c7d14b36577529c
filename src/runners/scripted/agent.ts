#!/usr/bin/env node
/**
 * The scripted agent: a small program of its own that behaves as a coding agent does, but plays replies from a file.
 * Nothing imports it; it is bundled beside the runtime and started like any harness. It reads the prompt on stdin and
 * `stage_requests/<request id>.json` in the run folder, and reports as the prompt asks: the last line is the marker.
 */
import { spawn, spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import * as path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { effectiveRootSpec, parseDocument, textField } from '../../core/document.ts'
import type { StageRequest } from '../../core/request.ts'
import type { HandIn, ResultClass } from '../../core/stage.ts'
import { artifactText, isDocumentKind, type Origin, workDocument } from './documents.ts'
import { chooseReply, fill, parseReplies, type Reply, type Step } from './replies.ts'

/** Documents a stage must hand in, where the request names them. */
type Request = StageRequest & { hand_ins?: HandIn[] }

/** Lines of a command's output that are shown. */
const OUTPUT_LINES_MAX = 40

/** A step that did not do what the script expects: the agent reports that it is blocked. */
class StepFailure extends Error {}

const say = (text: string): boolean => process.stdout.write(`· ${text}\n`)

function required(name: string): string {
  const value = process.env[name]
  if (!value) throw new Error(`the environment variable ${name} is not set: the scripted agent is started by millrace`)
  return value
}

function readRequest(): Request {
  const file = path.join(required('MILLRACE_RUN_DIR'), 'stage_requests', `${required('MILLRACE_REQUEST_ID')}.json`)
  return JSON.parse(fs.readFileSync(file, 'utf8')) as Request
}

function textOrEmpty(file: string | null): string {
  try {
    return file === null ? '' : fs.readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

function originOf(request: Request): Origin {
  const itemKind = request.active_work_item_kind ?? 'spec'
  const parsed = isDocumentKind(itemKind) ? parseDocument(itemKind, textOrEmpty(request.active_work_item_path)) : null
  const document = parsed?.ok ? parsed.document : null
  return {
    requestId: request.request_id,
    stage: request.stage_kind_id,
    plane: request.plane,
    itemKind,
    itemId: request.active_work_item_id ?? request.closure_target_root_spec_id ?? '',
    title: document?.title ?? '',
    path: request.active_work_item_path ?? request.canonical_root_spec_path ?? '',
    rootSpec: request.closure_target_root_spec_id ?? (document && effectiveRootSpec(document)) ?? '',
    rootIdea: request.closure_target_root_idea_id ?? (document && textField(document, 'root_idea_id')) ?? '',
    now: new Date().toISOString(),
  }
}

/** 1 + how often this node has already ended in this run. */
function attemptOf(request: Request): number {
  const folder = path.join(request.run_dir, 'stage_results')
  const names = fs.existsSync(folder) ? fs.readdirSync(folder).filter((name) => name.endsWith('.json')) : []
  const nodes = names.map(
    (name) => (JSON.parse(fs.readFileSync(path.join(folder, name), 'utf8')) as { node_id?: string }).node_id,
  )
  return 1 + nodes.filter((node) => node === request.node_id).length
}

function classOf(request: Request, outcome: string): ResultClass {
  return request.allowed_result_classes_by_outcome[outcome]?.[0] ?? 'blocked'
}

const legalOutcomes = (request: Request): string[] =>
  request.legal_terminal_markers.map((marker) => marker.replace(/^###\s+/, ''))

function outcomeOfClass(request: Request, ...classes: ResultClass[]): string {
  const outcomes = legalOutcomes(request)
  for (const wanted of classes) {
    const found = outcomes.find((outcome) => request.allowed_result_classes_by_outcome[outcome]?.includes(wanted))
    if (found) return found
  }
  return outcomes.at(-1)!
}

function writeFile(file: string, text: string): void {
  fs.mkdirSync(path.dirname(file), { recursive: true })
  fs.writeFileSync(file, text)
}

/** Writes what is owed for an outcome and not there yet: a step may have made it already. */
function writeOwed(request: Request, origin: Origin, outcome: string, why: string): void {
  for (const artifact of request.owed_artifacts_by_outcome[outcome] ?? []) {
    const file = path.resolve(request.run_dir, artifact.path)
    if (!fs.existsSync(file)) writeFile(file, artifactText(artifact, origin, classOf(request, outcome), why))
  }
}

function handIn(request: Request, kind: string, id: string, text: string): void {
  writeFile(path.join(request.outbox_dir, kind, `${id}.md`), text)
  say(`handed in ${kind} ${id}`)
}

function runCommand(command: string, expect: 'success' | 'failure' | 'any', folder: string): void {
  say(`$ ${command}`)
  const done = spawnSync('/bin/sh', ['-c', command], { cwd: folder, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
  const lines = `${done.stdout ?? ''}${done.stderr ?? ''}`.trimEnd().split('\n').slice(-OUTPUT_LINES_MAX)
  // Indented and marked, so that no line of it can be taken for a marker of this stage.
  for (const line of lines) if (line !== '') process.stdout.write(`  | ${line}\n`)
  const good = done.status === 0
  if (expect === 'any' || good === (expect === 'success')) return
  const status = done.status === null ? `signal ${done.signal}` : `status ${done.status}`
  throw new StepFailure(`\`${command}\` ended with ${status}, ${expect} was expected`)
}

async function perform(step: Step, request: Request, origin: Origin, outcome: string): Promise<void> {
  const at = (file: string) => path.resolve(request.workspace_root, file)
  if ('say' in step) say(step.say)
  else if ('wait_ms' in step) await wait(step.wait_ms)
  else if ('write' in step) writeFile(at(step.write.path), step.write.text)
  else if ('copy' in step) fs.cpSync(at(step.copy.from), at(step.copy.to), { recursive: true })
  else if ('replace' in step) {
    const text = fs.readFileSync(at(step.replace.path), 'utf8')
    if (!text.includes(step.replace.find))
      throw new StepFailure(`${step.replace.path} does not contain the text to replace`)
    fs.writeFileSync(
      at(step.replace.path),
      text.replaceAll(step.replace.find, () => step.replace.with),
    )
  } else if ('run' in step) runCommand(step.run.command, step.run.expect ?? 'success', request.workspace_root)
  else if ('hand_in' in step) handIn(request, step.hand_in.kind, step.hand_in.id, step.hand_in.text)
  else if ('result' in step) writeFile(request.terminal_result_path, `${JSON.stringify(step.result, null, 2)}\n`)
  else if ('artifacts' in step) writeOwed(request, origin, outcome, 'written by the scripted agent')
  else if ('hang' in step) await wait(2 ** 31 - 1)
  else
    spawn('/bin/sh', ['-c', step.spawn.command], {
      cwd: request.workspace_root,
      detached: true,
      stdio: 'ignore',
    }).unref()
}

async function play(reply: Reply, request: Request, origin: Origin, repliesFile: string): Promise<void> {
  const values = {
    workspace: request.workspace_root,
    run_dir: request.run_dir,
    outbox: request.outbox_dir,
    replies_dir: path.dirname(repliesFile),
    item: origin.itemId,
    root_spec: origin.rootSpec,
    root_idea: origin.rootIdea,
    rubric: request.preferred_rubric_path ?? '',
    verdict: request.preferred_verdict_path ?? '',
    report: request.preferred_report_path ?? '',
    now: origin.now,
    request_id: request.request_id,
  }
  try {
    for (const step of reply.steps) await perform(fill(step, values), request, origin, reply.outcome ?? '')
  } catch (error) {
    blocked(request, origin, (error as Error).message)
    return
  }
  report(fill(reply.message ?? '', values), reply.outcome)
  process.exitCode = reply.exit_code ?? 0
}

/** No reply fits: the stage succeeds with the smallest evidence that its contract accepts. */
function dryRun(request: Request, origin: Origin): void {
  const outcome = outcomeOfClass(request, 'success', 'no_op')
  const why = 'dry run: nothing was done and nothing was checked'
  say(`dry run of ${request.stage_kind_id}: reporting ${outcome}`)
  writeOwed(request, origin, outcome, why)
  for (const rule of request.hand_ins ?? []) {
    if (!rule.outcomes.includes(outcome)) continue
    for (let index = 0; index < rule.at_least; index++) {
      const id = `${origin.itemId}-${request.request_id.slice(-6)}${index === 0 ? '' : `-${index + 1}`}`
      if (isDocumentKind(rule.kind)) handIn(request, rule.kind, id, workDocument(rule.kind, id, origin))
    }
  }
  report(`A ${why}.`, outcome)
}

function blocked(request: Request, origin: Origin, reason: string): void {
  const outcome = outcomeOfClass(request, 'blocked', 'recoverable_failure')
  say(`failed: ${reason}`)
  writeOwed(request, origin, outcome, reason)
  report(`The stage cannot go on: ${reason}`, outcome)
}

function report(message: string, outcome: string | null): void {
  process.stdout.write(`\n${message.trimEnd()}\n${outcome === null ? '' : `\n### ${outcome}\n`}`)
}

async function main(args: string[]): Promise<void> {
  if (args[0] === '--version') {
    process.stdout.write('scripted agent 1.0\n')
    return
  }
  const [option, repliesFile] = args
  if (option !== undefined && (option !== '--replies' || !repliesFile))
    throw new Error(`unknown argument ${option}; there is --replies FILE`)
  if (fs.readFileSync(0, 'utf8').trim() === '') throw new Error('the prompt on stdin is empty')
  const replies = repliesFile ? parseReplies(fs.readFileSync(repliesFile, 'utf8')) : []
  const request = readRequest()
  const origin = originOf(request)
  const reply = chooseReply(replies, {
    stageKind: request.stage_kind_id,
    node: request.node_id,
    item: origin.itemId || null,
    attempt: attemptOf(request),
  })
  if (reply && repliesFile) await play(reply, request, origin, path.resolve(repliesFile))
  else dryRun(request, origin)
}

main(process.argv.slice(2)).catch((error: Error) => {
  process.stderr.write(`scripted agent: ${error.message}\n`)
  process.exitCode = 2
})

/**
 * The demo story for a real client: translates the scripted replies of `assets/demo/replies.json` into turns of a
 * scripted model, each step a shell command that does the same edit. The story itself exists once, over there.
 */
import { readFileSync } from 'node:fs'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { contextLine, type Turn } from './script.ts'

export const DEMO_REPLIES = resolve(import.meta.dirname, '../../assets/demo/replies.json')

type Step =
  | { say: string }
  | { wait_ms: number }
  | { write: { path: string; text: string } }
  | { copy: { from: string; to: string } }
  | { replace: { path: string; find: string; with: string } }
  | { run: { command: string; expect?: 'success' | 'failure' | 'any' } }
  | { hand_in: { kind: string; id: string; text: string } }
  | { result: Record<string, unknown> }
  | { artifacts: boolean }

interface Reply {
  stage: string
  item?: string
  attempt?: number
  steps: Step[]
  outcome: string
  message?: string
}

/** Last line of the output of a command that did what its step expects. */
const STEP_DONE = 'millrace-step-done'

/** The stages of the demo and what each reports, in order. */
export const DEMO_STAGES = [
  ['planner', 'PLANNER_COMPLETE'],
  ['manager', 'MANAGER_COMPLETE'],
  ['builder', 'BUILDER_COMPLETE'],
  ['checker', 'FIX_NEEDED'],
  ['fixer', 'FIXER_COMPLETE'],
  ['doublechecker', 'DOUBLECHECK_PASS'],
  ['updater', 'UPDATE_COMPLETE'],
  ['arbiter', 'ARBITER_COMPLETE'],
]

export function readReplies(file: string): Reply[] {
  return (JSON.parse(readFileSync(file, 'utf8')) as { replies: Reply[] }).replies
}

/**
 * A script for the model server. Each prompt gets the reply of its stage (and item, where the reply names one).
 * The final message ends with the reply's marker only if every step did what it expects; else with `### BLOCKED`.
 * @throws if the prompt lacks a line that a step needs, or the story has no reply for the stage
 */
export function demoStory(repliesFile: string = DEMO_REPLIES): (promptText: string) => readonly Turn[] {
  const replies = readReplies(repliesFile)
  return (promptText) => {
    const places = placesIn(promptText, repliesFile)
    const stage = contextLine(promptText, 'Stage Kind ID')
    const reply = replies.find(
      (candidate) =>
        candidate.stage === stage &&
        (candidate.item === undefined || candidate.item === places.item) &&
        (candidate.attempt ?? 1) === 1,
    )
    if (!reply) throw new Error(`${repliesFile} has no reply for stage ${stage}`)
    return turnsOf(reply, places)
  }
}

function turnsOf(reply: Reply, places: Places): Turn[] {
  const turns: Turn[] = []
  let say: string | undefined
  for (const step of reply.steps) {
    if ('say' in step) {
      say = fill(step.say, places)
      continue
    }
    const command = commandOf(step, places)
    if (command === null) continue
    turns.push({ turn: 'shell', command: `${command} && echo ${STEP_DONE}`, ...(say === undefined ? {} : { say }) })
    say = undefined
  }
  const message = fill(reply.message ?? `${reply.stage} has ended.`, places)
  turns.push({
    turn: 'text',
    text: (outputs) => {
      const failed = outputs.findIndex((output) => !output.trimEnd().endsWith(STEP_DONE))
      if (failed === -1) return `${message}\n\n### ${reply.outcome}`
      return `Command ${failed + 1} of the story did not do what was expected:\n${outputs[failed]?.trimEnd()}\n\n### BLOCKED`
    },
  })
  return turns
}

/** The shell command that does a step; null for a step that only takes time. Doing it twice is the same as once. */
export function commandOf(step: Exclude<Step, { say: string }>, places: Places): string | null {
  if ('wait_ms' in step) return null
  if ('write' in step) return writeCommand(fill(step.write.path, places), fill(step.write.text, places))
  // The text travels through the model, as it would with an agent that wrote it, and is not copied on disk.
  if ('copy' in step)
    return writeCommand(fill(step.copy.to, places), readFileSync(fill(step.copy.from, places), 'utf8'))
  if ('replace' in step) {
    const { path, find, with: replacement } = step.replace
    return `node -e ${quote(REPLACE_PROGRAM)} ${[path, find, replacement].map((text) => quote(fill(text, places))).join(' ')}`
  }
  if ('run' in step) {
    const command = `( ${fill(step.run.command, places)} )`
    if (step.run.expect === 'failure') return `! ${command}`
    return step.run.expect === 'any' ? `{ ${command} || true; }` : command
  }
  if ('hand_in' in step) {
    const { kind, id, text } = step.hand_in
    return writeCommand(
      join(needed(places, 'outbox'), fill(kind, places), `${fill(id, places)}.md`),
      fill(text, places),
    )
  }
  if ('result' in step) {
    const text = fill(JSON.stringify(step.result, null, 2), places)
    return writeCommand(
      join(needed(places, 'run_dir'), `runner_terminal_result.${needed(places, 'request_id')}.json`),
      `${text}\n`,
    )
  }
  throw new Error('an `artifacts` step makes placeholder files; a story for a real client has to write its own')
}

const REPLACE_PROGRAM = `const fs = require('node:fs')
const [path, find, replacement] = process.argv.slice(1)
const text = fs.readFileSync(path, 'utf8')
if (text.includes(find)) fs.writeFileSync(path, text.split(find).join(replacement))
else if (!text.includes(replacement)) { console.error('not found in ' + path); process.exit(1) }`

function writeCommand(path: string, text: string): string {
  return `mkdir -p ${quote(dirname(path))} && printf %s ${quote(text)} > ${quote(path)}`
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

/** Values of the templates that replies may use; null where the prompt says nothing. */
type Places = Record<
  | 'workspace'
  | 'run_dir'
  | 'outbox'
  | 'replies_dir'
  | 'item'
  | 'root_spec'
  | 'root_idea'
  | 'rubric'
  | 'verdict'
  | 'report'
  | 'now'
  | 'request_id',
  string | null
>

/** Takes the templates' values from the context lines of a prompt. */
export function placesIn(promptText: string, repliesFile: string): Places {
  const line = (label: string) => contextLine(promptText, label)
  const runDir = line('Run Directory')
  const requestId = line('Request ID')
  // `<workspace>/millrace-agents/runs/<run_id>`, where no line names the workspace.
  const workspace = line('Workspace Root') ?? (runDir === null ? null : resolve(runDir, '../../..'))
  const path = (label: string) => {
    const value = line(label)
    return value === null || isAbsolute(value) || workspace === null ? value : join(workspace, value)
  }
  return {
    workspace,
    run_dir: runDir,
    outbox:
      path('Outbox Directory') ?? (runDir !== null && requestId !== null ? join(runDir, 'outbox', requestId) : null),
    replies_dir: dirname(repliesFile),
    item: line('Active Work Item')?.split(' ').at(-1) ?? null,
    root_spec: line('Closure Target Root Spec ID'),
    root_idea: line('Closure Target Root Idea ID'),
    rubric: path('Preferred Rubric Path'),
    verdict: path('Preferred Verdict Path'),
    report: path('Preferred Report Path'),
    now: new Date().toISOString(),
    request_id: requestId,
  }
}

function fill(text: string, places: Places): string {
  return text.replace(/\{([a-z_]+)\}/g, (template, name: string) =>
    name in places ? needed(places, name as keyof Places) : template,
  )
}

function needed(places: Places, name: keyof Places): string {
  const value = places[name]
  if (value === null) throw new Error(`the story uses {${name}}, but no line of the prompt says what it is`)
  return value
}

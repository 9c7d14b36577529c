import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  type CodexHomeOptions,
  type CodexRun,
  type CodexStart,
  endLeftovers,
  leftovers,
  type RunningCodex,
  STUB_KEY,
  startCodex,
  writeCodexHome,
} from './codex-process.ts'
import { CODEX, resolveClient } from './install.ts'
import { type ModelServer, startModelServer } from './model-server.ts'
import { responsesApi } from './responses-api.ts'
import type { Script, Turn } from './script.ts'

const codex = await resolveClient(CODEX)
const linux = process.platform === 'linux'

let folder: string
let server: ModelServer | null = null
const begun: RunningCodex[] = []
function begin(start: CodexStart): RunningCodex {
  const running = startCodex(start)
  begun.push(running)
  return running
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'codex-process-'))
  mkdirSync(join(folder, 'project'))
})
afterEach(async () => {
  if (linux) for (const { tag } of begun.splice(0)) endLeftovers(tag)
  await server?.close()
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
})

/** Serves a script and gives the start of a Codex that talks to it. */
async function prepare(script: Script, options: CodexHomeOptions = {}): Promise<CodexStart & { project: string }> {
  server = await startModelServer(script, [responsesApi])
  const home = join(folder, 'home')
  const codexVariables = writeCodexHome(join(home, '.codex'), server.url, options)
  const project = join(folder, 'project')
  const command = codex.available ? codex.command : 'codex'
  return { command, home, codexVariables, cwd: project, project, prompt: 'Request ID: r1\nStage Kind ID: builder\n' }
}

async function run(turn: Turn, options: CodexHomeOptions = {}): Promise<CodexRun> {
  return begin(await prepare({ builder: [turn] }, options)).ended
}

const failure = (result: CodexRun) => result.events.find((event) => event.type === 'turn.failed')?.error?.message ?? ''
const messages = (result: CodexRun) =>
  result.events.flatMap((event) => (event.item?.type === 'agent_message' ? [event.item.text] : []))

describe.skipIf(!codex.available)(`${codex.title} against the scripted model`, () => {
  test('carries out a tool call that writes a file and ends with the last message', async () => {
    const text = `Two "quoted" words, one o'clock, ünïcödé 🙂\nand a second line\n`
    const start = await prepare({
      builder: [
        {
          turn: 'shell',
          say: 'Writing it.',
          command: `printf %s '${text.replaceAll("'", `'\\''`)}' > written.txt && echo made`,
        },
        { turn: 'text', text: 'Done.\n\n### BUILDER_COMPLETE' },
      ],
    })
    const result = await begin({ ...start, prompt: `${start.prompt}\n${text}` }).ended

    expect([result.exitCode, result.signal, result.otherLines]).toEqual([0, null, []])
    expect(readFileSync(join(start.project, 'written.txt'), 'utf8')).toBe(text)
    expect(messages(result)).toEqual(['Writing it.', 'Done.\n\n### BUILDER_COMPLETE'])
    const command = result.events.findLast((event) => event.item?.type === 'command_execution')?.item
    expect(command).toMatchObject({ status: 'completed', exit_code: 0, aggregated_output: 'made\n' })
    expect(result.events.at(-1)).toMatchObject({
      type: 'turn.completed',
      usage: { input_tokens: 200, cached_input_tokens: 40, output_tokens: 20, reasoning_output_tokens: 8 },
    })
    expect(server?.log.map((entry) => [entry.step, entry.sent, entry.authorization])).toEqual([
      [0, 'shell', `Bearer ${STUB_KEY}`],
      [1, 'text', `Bearer ${STUB_KEY}`],
    ])
    expect(server?.log[0]?.request.promptText).toContain(text.trim())
  })

  test('goes on after a command that failed and still exits with 0', async () => {
    const start = await prepare({
      builder: [
        { turn: 'shell', command: 'echo no >&2; exit 3' },
        { turn: 'text', text: '### BLOCKED' },
      ],
    })
    const result = await begin(start).ended
    expect([result.exitCode, messages(result)]).toEqual([0, ['### BLOCKED']])
    expect(server?.log[1]?.request.toolOutputs[0]).toContain('Process exited with code 3')
  })

  test('two runs at once get each their own story', async () => {
    const start = await prepare({
      builder: [{ turn: 'text', text: 'built' }],
      checker: [{ turn: 'text', text: 'checked' }],
    })
    const [builder, checker] = await Promise.all([
      begin(start).ended,
      begin({ ...start, prompt: start.prompt.replace('builder', 'checker') }).ended,
    ])
    expect([messages(builder), messages(checker)]).toEqual([['built'], ['checked']])
  })

  test('a resumed thread counts its tokens on from the first run', async () => {
    const start = await prepare({ builder: [{ turn: 'text', text: 'one' }], fixer: [{ turn: 'text', text: 'two' }] })
    const first = await begin(start).ended
    const thread = first.events.find((event) => event.type === 'thread.started')?.thread_id
    expect(thread).toBeTypeOf('string')
    const second = await begin({
      ...start,
      prompt: 'Stage Kind ID: fixer',
      ...(thread === undefined ? {} : { resume: thread }),
    }).ended
    expect(second.events.find((event) => event.type === 'thread.started')?.thread_id).toBe(thread)
    expect(messages(second)).toEqual(['two'])
    expect([first, second].map((result) => result.events.at(-1)?.usage?.input_tokens)).toEqual([100, 200])
  })

  test('a key that is refused (401) ends the run with exit 1', async () => {
    const result = await run({ turn: 'http_error', status: 401, body: { error: { message: 'that key is made up' } } })
    expect(result.exitCode).toBe(1)
    expect(failure(result)).toContain('unexpected status 401 Unauthorized: that key is made up')
    expect(server?.log).toHaveLength(1)
  })

  test('a rate limit (429) ends the run with exit 1', async () => {
    const result = await run({ turn: 'http_error', status: 429, headers: { 'retry-after': '30' } })
    expect(result.exitCode).toBe(1)
    expect(failure(result)).toContain('last status: 429 Too Many Requests')
  })

  test('a used-up quota (429, usage_limit_reached) is told in prose only', async () => {
    const error = { type: 'usage_limit_reached', message: 'limit', plan_type: 'pro', resets_at: 4_000_000_000 }
    const result = await run({ turn: 'http_error', status: 429, body: { error } })
    expect(result.exitCode).toBe(1)
    expect(failure(result)).toMatch(/usage limit.*try again at/s)
  })

  test('a server error (500) is tried again as often as configured', async () => {
    const turn: Turn = {
      turn: 'in_sequence',
      turns: [
        { turn: 'http_error', status: 500 },
        { turn: 'text', text: 'at last' },
      ],
    }
    const result = await run(turn, { requestRetries: 2 })
    expect([result.exitCode, messages(result)]).toEqual([0, ['at last']])
    expect(server?.log.map((entry) => entry.sent)).toEqual(['http_error', 'text'])
  })

  test.each<[string, Turn]>([
    ['a stream that is cut after part of the text', { turn: 'truncate', text: 'Done.\n\n### BUILDER_COMPLETE' }],
    ['a connection that is dropped', { turn: 'drop' }],
  ])('%s ends the run with exit 1 and loses the text', async (_title, turn) => {
    const result = await run(turn)
    expect([result.exitCode, messages(result)]).toEqual([1, []])
    expect(failure(result)).toContain('stream disconnected before completion')
  })

  test('an answer that hangs ends the run at the idle timeout', async () => {
    const result = await run({ turn: 'hang' }, { idleTimeoutMs: 1500 })
    expect([result.exitCode, result.overLimit]).toEqual([1, false])
    expect(failure(result)).toContain('idle timeout waiting for SSE')
    expect(result.durationMs).toBeGreaterThan(1400)
  })

  test('a run that is too long is ended at its limit and leaves no process behind', async () => {
    const running = begin({ ...(await prepare({ builder: [{ turn: 'hang' }] })), limitMs: 2000 })
    const result = await running.ended
    expect(result.overLimit).toBe(true)
    expect(result.durationMs).toBeLessThan(6000)
    if (linux) await expect.poll(() => leftovers(running.tag), { timeout: 3000 }).toEqual([])
  })

  test.runIf(linux)('SIGTERM while a command runs ends client and command (needs Linux)', async () => {
    const start = await prepare({ builder: [{ turn: 'shell', command: 'echo begun; exec sleep 300' }] })
    const running = begin(start)
    await running.until((event) => event.type === 'item.started' && event.item?.type === 'command_execution')
    expect(leftovers(running.tag).some((found) => found.includes('sleep 300'))).toBe(true)
    running.signal('SIGTERM')
    const result = await running.ended
    expect(result.signal ?? result.exitCode).not.toBe(0)
    await expect.poll(() => leftovers(running.tag), { timeout: 3000 }).toEqual([])
  })
})

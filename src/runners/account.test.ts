import * as fs from 'node:fs'
import * as path from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { requestIn, temporaryFolder } from '../../test/agents/rig.ts'
import { disk } from '../store/files.ts'
import { accountOf } from './account.ts'
import { codexTranscript } from './codex/codex.ts'
import type { Harness } from './harness.ts'

const workspace = temporaryFolder()
afterAll(() => fs.rmSync(workspace, { recursive: true, force: true }))
const codex = { output: 'events', transcript: codexTranscript } as unknown as Harness

const item = (type: string, members: object) => JSON.stringify({ type: `item.${type}`, item: members })
const said = (text: string) => item('completed', { type: 'agent_message', text })
const tool = (type: string, id: string, command: string, status: string) =>
  item(type, { id, type: 'command_execution', command, status })

/** The account of earlier runs, from the lines each of them printed. */
function account(...logs: string[][]) {
  const request = requestIn(workspace, { account_of: logs.map((_, index) => `request-${index}`) })
  fs.mkdirSync(request.run_dir, { recursive: true })
  for (const [index, lines] of logs.entries())
    fs.writeFileSync(path.join(request.run_dir, `runner_events.request-${index}.jsonl`), `${lines.join('\n')}\n`)
  return accountOf(disk, request, codex)
}

describe('the account of earlier work', () => {
  it('tells what was said and done in order, each tool once, and what was left unfinished', () => {
    const first = [
      said('Looking.'),
      tool('started', 'a', 'ls', 'in_progress'),
      tool('completed', 'a', 'ls', 'completed'),
    ]
    const second = [tool('completed', 'b', 'npm test', 'failed'), tool('started', 'c', 'sleep 9', 'in_progress')]
    expect(account(first, second)).toEqual({
      lines: [
        'said: Looking.',
        'did: command_execution ls',
        'failed at: command_execution npm test',
        'began, and did not finish: command_execution sleep 9',
      ],
      isCut: false,
    })
  })

  it('is bounded in lines and in their length, and keeps the newest', () => {
    const { lines, isCut } = account(Array.from({ length: 100 }, (_, index) => said(`${index} ${'x'.repeat(5000)}`)))
    expect(lines).toHaveLength(40)
    expect(lines.at(-1)).toMatch(/^said: 99 x/)
    expect(Math.max(...lines.map((line) => line.length))).toBe(300)
    expect(isCut).toBe(true)
  })

  it('reads the end of a log that is long, and says so', () => {
    const long = [
      ...Array.from({ length: 30_000 }, () => JSON.stringify({ type: 'noise', text: 'x'.repeat(100) })),
      said('At last.'),
    ]
    expect(account(long)).toEqual({ lines: ['said: At last.'], isCut: true })
  })

  it('is empty where there is no log, or one of another harness', () => {
    expect(account(['plain text', '{"type":"assistant"}'])).toEqual({ lines: [], isCut: false })
    expect(accountOf(disk, requestIn(workspace, { account_of: ['request-gone'] }), codex).lines).toEqual([])
  })
})

/** `millrace runs follow` beside real harnesses: what their agents do is told while they do it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { FollowEnd, FollowRecord } from '../../src/operations/schemas/follow.ts'
import { acpAgents } from './acp-engine.ts'
import { preparedClaude } from './claude-engine.ts'
import { preparedCodex } from './codex-engine.ts'
import { CLAUDE, CODEX, PI, resolveClient } from './install.ts'
import { preparedPi } from './pi-engine.ts'
import { type Prepare, scenes } from './scene.ts'
import { contextLine, type Turn } from './script.ts'

const codex = await resolveClient(CODEX)
const claude = await resolveClient(CLAUDE)
const pi = await resolveClient(PI)
const agents = await acpAgents()

/** How long the command of the agent takes, in milliseconds; no client stops a short one in the foreground. */
const COMMAND_MS = 4000
const SLOW = `node -e 'setTimeout(() => {}, ${COMMAND_MS})'`

/** After which a follower has seen the end of a stage. */
const SETTLED_MS = 2000

const openScene = scenes()

/** A builder that says something, runs a command that takes a while, and says that it is done. */
const turns = (promptText: string): Turn[] => [
  {
    turn: 'shell',
    say: 'Looking around.',
    command: `${SLOW}; echo Built. > '${contextLine(promptText, 'Run Directory')}/builder_summary.md'`,
  },
  { turn: 'text', text: 'All built.\n\n### BUILDER_COMPLETE' },
]

/** Records of one stage, in order, as a follower is told them while the stage is at work. */
async function followed(prepare: Prepare): Promise<{ records: FollowRecord[]; end: FollowEnd }> {
  const scene = await (await openScene(turns, [prepare])).withTask()
  const following = scene.workspace.start('runs', 'follow', '--json')
  const once = await scene.workspace.run('run', 'once')
  expect(once.code, once.stderr).toBe(0)
  await sleep(SETTLED_MS)
  following.signal('SIGINT')
  const { code, stdout, stderr } = await following.ended
  expect([code, stderr]).toEqual([0, ''])
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as FollowRecord | FollowEnd)
  return { records: lines.slice(0, -1) as FollowRecord[], end: lines.at(-1) as FollowEnd }
}

function expectLive({ records, end }: { records: FollowRecord[]; end: FollowEnd }): void {
  const times = (event: FollowRecord['event']) =>
    records.flatMap((record) => (record.event === event && record.at !== null ? [Date.parse(record.at)] : []))
  const said = records.flatMap((record) => (record.event === 'message' ? [record.text] : []))
  expect(said.join('')).toContain('Looking around.')
  expect(said.join('')).toContain('All built.')
  expect(times('tool_started')).toHaveLength(1)
  expect(times('tool_ended')).toHaveLength(1)
  // Seen to begin when it began, not when it ended.
  expect(times('tool_ended')[0]! - times('tool_started')[0]!).toBeGreaterThan(COMMAND_MS / 2)
  expect(times('message')[0]!).toBeLessThan(times('tool_ended')[0]!)
  const [ended] = records.filter((record) => record.event === 'stage_ended')
  expect(ended).toMatchObject({ node_id: 'builder', outcome: 'BUILDER_COMPLETE', failure_class: null })
  expect(end.end).toMatchObject({ reason: 'interrupted', stages: 1 })
}

describe.skipIf(!codex.available)(`who follows ${codex.title}`, () => {
  test('sees what it does while it does it', async () => expectLive(await followed(preparedCodex(codex))))
})

describe.skipIf(!claude.available)(`who follows ${claude.title}`, () => {
  test('sees what it does while it does it', async () => expectLive(await followed(preparedClaude(claude))))
})

describe.skipIf(!pi.available)(`who follows ${pi.title}`, () => {
  test('sees what it does while it does it', async () => expectLive(await followed(preparedPi(pi))))
})

describe.each(agents)('who follows $client.title over the Agent Client Protocol', ({ client, prepare }) => {
  test.skipIf(!client.available)('sees what it does while it does it', async () => expectLive(await followed(prepare)))
})

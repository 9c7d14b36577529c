/** What the built Millrace makes of a real Pi that fails: by its own fault, by its surroundings, by taking too long. */
import { describe, expect, test } from 'vitest'
import type { ActiveRun } from '../../src/core/state.ts'
import { PI, resolveClient } from './install.ts'
import { piScenes } from './pi-engine.ts'
import { building, type Scene, troubleshooting } from './scene.ts'
import { contextLine, type SingleTurn, type Turn } from './script.ts'

const pi = await resolveClient(PI)
const linux = process.platform === 'linux'
/** Requests the provider's library sends for one of Pi's; Pi itself tries again three times after that. */
const LIBRARY_REQUESTS = 3
const PI_ATTEMPTS = 4

const openScene = piScenes(pi)

function onlyRun({ workspace }: Scene): ActiveRun {
  const runs = workspace.snapshot().active_runs
  expect(runs).toHaveLength(1)
  return runs[0]!
}

describe.skipIf(!pi.available)(`a builder run by ${pi.title} that does not end as it should`, () => {
  test('says no marker: the troubleshooter is next, and is told', async () => {
    const opened = await openScene((prompt) =>
      contextLine(prompt, 'Stage Kind ID') === 'builder'
        ? [{ turn: 'text', text: 'Built it, I think.' }]
        : troubleshooting(prompt),
    )
    const { workspace } = await opened.withTask()
    expect((await workspace.run('run', 'once')).code).toBe(1)
    expect(workspace.stageRuns()[0]?.results).toMatchObject([
      { terminal_result: 'BLOCKED', success: false, metadata: { failure_class: 'missing_terminal_result' } },
    ])
    expect(onlyRun(opened)).toMatchObject({ node_id: 'troubleshooter', failure_class: 'missing_terminal_result' })
    expect(await workspace.run('run', 'once')).toMatchObject({ code: 0, stderr: '' })
    expect(onlyRun(opened)).toMatchObject({ status: 'ready', node_id: 'builder' })
    if (linux) expect(opened.processes()).toEqual([])
  })

  test.each<[string, Turn]>([
    ['an answer that never comes', { turn: 'hang' }],
    ['a command that never ends', { turn: 'shell', command: 'exec sleep 300' }],
  ])('waits for %s: it is stopped when its time is up, with nothing left of it', async (_title, turn) => {
    const opened = await openScene({ builder: [turn] }, { settings: { 'stages.builder.timeout_seconds': '8' } })
    const { workspace, processes, server } = await opened.withTask()
    expect((await workspace.run('run', 'once')).code).toBe(1)
    const [stage] = workspace.stageRuns()
    expect(stage?.results).toMatchObject([
      { metadata: { failure_class: 'runner_timeout', raw_ending: 'timed_out', environment_cause: null } },
    ])
    expect(server.log.map((entry) => entry.sent)).toEqual([turn.turn])
    expect(stage?.results[0]?.duration_seconds, 'Pi follows the abort').toBeLessThan(13)
    expect(onlyRun(opened)).toMatchObject({ status: 'ready', node_id: 'troubleshooter' })
    if (linux) expect(processes()).toEqual([])
  })
})

describe.skipIf(!pi.available)(`surroundings that fail ${pi.title}`, () => {
  test('by a rate limit (429) that ends: Pi tries again by itself, and the stage succeeds', async () => {
    const limited: SingleTurn[] = Array.from({ length: LIBRARY_REQUESTS + 1 }, () => ({
      turn: 'http_error',
      status: 429,
      headers: { 'retry-after': '0' },
    }))
    const opened = await openScene((prompt) => {
      const [shell, text] = building(prompt) as SingleTurn[]
      return [{ turn: 'in_sequence', turns: [...limited, shell!] }, text!]
    })
    const { workspace, server, processes } = await opened.withTask()
    expect(await workspace.run('run', 'once')).toMatchObject({ code: 0, stderr: '' })
    expect(server.log.map((entry) => entry.sent)).toEqual([...limited.map(({ turn }) => turn), 'shell', 'text'])
    expect(workspace.stageRuns().map(({ results }) => results.map((own) => own.terminal_result))).toEqual([
      ['BUILDER_COMPLETE'],
    ])
    expect(workspace.events('stage_deferred')).toEqual([])
    if (linux) expect(processes()).toEqual([])
  })

  test.each<[string, Turn, string, number]>([
    ['a refused key (401)', { turn: 'http_error', status: 401 }, 'environment_auth', 1],
    [
      'a rate limit (429)',
      { turn: 'http_error', status: 429, headers: { 'retry-after': '0' } },
      'environment_rate_limit',
      LIBRARY_REQUESTS * PI_ATTEMPTS,
    ],
    [
      'a server error (500)',
      { turn: 'http_error', status: 500, body: { error: { message: 'The server had an error' } } },
      'environment_overloaded',
      LIBRARY_REQUESTS * PI_ATTEMPTS,
    ],
    [
      'a stream cut after the marker was sent',
      { turn: 'truncate', text: 'Done.\n\n### BUILDER_COMPLETE' },
      'environment_network',
      PI_ATTEMPTS,
    ],
    ['a dropped connection', { turn: 'drop' }, 'environment_network', LIBRARY_REQUESTS * PI_ATTEMPTS],
  ])('by %s: the stage is tried again later, no budget used', async (_title, turn, failureClass, requests) => {
    const opened = await openScene({ builder: [turn] })
    const { workspace, server, processes } = await opened.withTask()
    expect((await workspace.run('run', 'once')).code).toBe(1)
    const [stage] = workspace.stageRuns()
    expect(stage?.results.map((result) => [result.metadata.failure_class, result.token_usage])).toEqual([
      [failureClass, expect.anything()],
    ])
    expect(onlyRun(opened)).toMatchObject({ status: 'ready', node_id: 'builder', environment_failures: 1 })
    expect(workspace.counters()).toEqual([])
    expect(server.log).toHaveLength(requests)
    if (linux) expect(processes()).toEqual([])
  })

  test('by a time limit while Pi tries again: the time was lost to the surroundings', async () => {
    const opened = await openScene(
      { builder: [{ turn: 'http_error', status: 503 }] },
      { settings: { 'stages.builder.timeout_seconds': '10' } },
    )
    const { workspace, processes } = await opened.withTask()
    expect((await workspace.run('run', 'once')).code).toBe(1)
    expect(workspace.stageRuns()[0]?.results).toMatchObject([
      { metadata: { failure_class: 'environment_overloaded', raw_ending: 'timed_out' } },
    ])
    if (linux) expect(processes()).toEqual([])
  })
})

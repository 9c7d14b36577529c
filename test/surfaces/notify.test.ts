/** The verbs of `notify` as people and scripts meet them: what they answer, how it reads, and what doctor finds. */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { makeLook } from '../../src/cli/look.ts'
import { rendererOf } from '../../src/cli/render/table.ts'
import { type Delivery, deliveryText, newDelivery } from '../../src/core/delivery.ts'
import type { Context } from '../../src/operations/context.ts'
import type { DoctorOutput } from '../../src/operations/schemas/doctor.ts'
import type { NotifyLsOutput, NotifyTestOutput } from '../../src/operations/schemas/notify.ts'
import { OPERATIONS } from '../../src/operations/table.ts'
import { newWorkspace, type TestWorkspace } from '../rig/context.ts'
import { Receiver } from '../rig/receiver.ts'

const open: { workspaces: TestWorkspace[]; receivers: Receiver[] } = { workspaces: [], receivers: [] }
afterEach(async () => {
  for (const workspace of open.workspaces.splice(0)) workspace.dispose()
  for (const receiver of open.receivers.splice(0)) await receiver.stop()
})

async function receiving(...given: Parameters<typeof Receiver.start>): Promise<Receiver> {
  const receiver = await Receiver.start(...given)
  open.receivers.push(receiver)
  return receiver
}

async function workspaceWith(config: string, changes: Partial<Context> = {}): Promise<TestWorkspace> {
  const workspace = await newWorkspace(changes)
  open.workspaces.push(workspace)
  fs.writeFileSync(workspace.at('millrace.toml'), config)
  return workspace
}

/** The answer, as its schema has it. */
async function ask<T>(name: string, { context }: TestWorkspace, input = {}): Promise<T> {
  const operation = await OPERATIONS.find((entry) => entry.name === name)!.load()
  const answer = (await operation.run(context, input)) as T
  const schema = z.fromJSONSchema((await operation.output()) as Parameters<typeof z.fromJSONSchema>[0])
  const checked = schema.safeParse(JSON.parse(JSON.stringify(answer)))
  expect(checked.success ? '' : z.prettifyError(checked.error)).toBe('')
  return answer
}

const shown = async (name: string, answer: object, terminal: boolean): Promise<string> =>
  (await rendererOf(name))(
    answer,
    makeLook({ terminal, colour: false, width: 140, now: new Date('2026-03-02T12:05:00Z') }),
  )

function leave(workspace: TestWorkspace, state: 'pending' | 'failed', id: string, more: Partial<Delivery> = {}): void {
  const payload = { event: 'blocked', text: `task ${id} is blocked` }
  const given = { delivery_id: id, channel: 'notify', recipient: 'hook', payload } as const
  const delivery = { ...newDelivery('2026-03-02T12:00:00.000Z', given), ...more }
  fs.mkdirSync(workspace.at('state/deliveries', state), { recursive: true })
  fs.writeFileSync(workspace.at('state/deliveries', state, `${id}.json`), deliveryText(delivery))
}

const WAITING = 'blocked-000000000000000a'
const GIVEN_UP = 'blocked-000000000000000b'

describe('notify ls', () => {
  it('tells rules, what waits and what was given up, and no secret', async () => {
    const workspace = await workspaceWith(
      '[notify.rules.hook]\non = ["blocked", "closed"]\nwebhook_env = "HOOK"\n[notify.rules.me]\ncommand = ["./tell.sh", "a b"]\n',
      { environment: { PATH: process.env.PATH, HOOK: 'http://localhost/s3cret' } },
    )
    leave(workspace, 'pending', WAITING, { attempts: 2, last_error: 'it answered 500' })
    leave(workspace, 'failed', GIVEN_UP, {
      attempts: 8,
      last_error: 'ECONNREFUSED',
      ended_at: '2026-03-02T12:04:00.000Z',
    })
    fs.writeFileSync(workspace.at('state/deliveries/failed/odd.json'), 'nonsense')
    const answer = await ask<NotifyLsOutput>('notify ls', workspace)
    expect(answer.rules).toEqual([
      { name: 'hook', on: ['blocked', 'closed'], via: 'webhook', receiver: '$HOOK' },
      { name: 'me', on: expect.arrayContaining(['daemon_down']), via: 'command', receiver: './tell.sh a b' },
    ])
    expect(answer.pending.map(({ delivery_id, attempts }) => [delivery_id, attempts])).toEqual([[WAITING, 2]])
    expect(answer.failed).toMatchObject([{ delivery_id: GIVEN_UP, next_attempt_at: null, last_error: 'ECONNREFUSED' }])
    expect([answer.pending_count, answer.failed_count, answer.done_count]).toEqual([1, 2, 0])
    const piped = (await shown('notify ls', answer, false)).split('\n')
    expect(piped.slice(0, 4)).toEqual([
      `workspace: ${workspace.root}`,
      'pending_count: 1',
      'failed_count: 2',
      'done_count: 0',
    ])
    expect(piped).toContain('rule: name=hook via=webhook on=blocked,closed receiver="$HOOK"')
    expect(piped.at(-1)).toBe(
      `failed: id=${GIVEN_UP} rule=hook event=blocked attempts=8 created_at=2026-03-02T12:00:00.000Z next_attempt_at=none error="ECONNREFUSED" text="task ${GIVEN_UP} is blocked"`,
    )
    const terminal = await shown('notify ls', answer, true)
    for (const part of ['RULE', './tell.sh a b', '1 waiting', '2 given up', 'ECONNREFUSED', '5m ago'])
      expect(terminal).toContain(part)
    expect(terminal + piped.join()).not.toContain('s3cret')
  })

  it('says where nobody is told how to begin', async () => {
    const answer = await ask<NotifyLsOutput>('notify ls', await workspaceWith(''))
    expect(await shown('notify ls', answer, true)).toContain('millrace docs notify')
  })
})

describe('notify test', () => {
  it('sends to every rule, whatever it is for, and says how that went', async () => {
    const good = await receiving()
    const bad = await receiving(() => 404)
    const workspace = await workspaceWith(
      `[notify.rules.good]\non = ["closed"]\nwebhook = "${good.url}"\n[notify.rules.bad]\nwebhook = "${bad.url}"\n[notify.rules.gone]\ncommand = ["no-such-program"]\n[notify.rules.sick]\ncommand = ["sh", "-c", "echo one; echo two >&2; exit 3"]\n[notify.rules.secret]\nwebhook_env = "UNSET_HOOK"\n`,
    )
    const answer = await ask<NotifyTestOutput>('notify test', workspace)
    expect(answer.ok).toBe(false)
    expect(Object.fromEntries(answer.results.map(({ rule, error }) => [rule, error]))).toEqual({
      good: null,
      bad: 'it answered 404: no, 404',
      gone: expect.stringMatching(/^it could not be started: .*no-such-program/),
      sick: 'it ended with exit status 3: two',
      secret: 'the environment variable UNSET_HOOK is not set',
    })
    expect(good.received).toMatchObject([{ body: { event: 'test', event_type: null, rule: 'good', facts: {} } }])
    expect(fs.existsSync(workspace.at('state/deliveries'))).toBe(false)
    expect(await shown('notify test', answer, true)).toContain(`arrived good → ${good.url}`)
    expect(await shown('notify test', answer, false)).toContain('result: rule=sick delivered=false')
    expect(await ask<NotifyTestOutput>('notify test', workspace, { rule: 'good' })).toMatchObject({
      ok: true,
      results: [{ rule: 'good', delivered: true, error: null }],
    })
  })

  it('stops a command that takes too long, and one that floods', async () => {
    const workspace = await workspaceWith(
      '[notify.rules.slow]\ncommand = ["sleep", "60"]\ntimeout_seconds = 0.3\n[notify.rules.loud]\ncommand = ["yes"]\n',
    )
    const answer = await ask<NotifyTestOutput>('notify test', workspace)
    expect(answer.results.map(({ error }) => error)).toEqual([
      'it did not end within 0.3 s',
      'it printed more than 1048576 bytes',
    ])
  })

  it('knows which rules there are', async () => {
    const workspace = await workspaceWith('[notify.rules.me]\ncommand = ["true"]\n')
    await expect(ask('notify test', workspace, { rule: 'you' })).rejects.toMatchObject({
      code: 'notify_rule_unknown',
      hint: 'there are: me',
    })
    await expect(ask('notify test', await workspaceWith(''))).rejects.toMatchObject({ code: 'notify_rule_unknown' })
  })

  it('an address that only the environment knows may not lead elsewhere either', async () => {
    const workspace = await workspaceWith('[notify.rules.me]\nwebhook_env = "HOOK"\n', {
      environment: { HOOK: 'https://hooks.example.com/s3cret' },
    })
    const { results } = await ask<NotifyTestOutput>('notify test', workspace)
    expect(results[0]?.error).toBe('the address in HOOK points to hooks.example.com, which notify.hosts does not name')
  })
})

describe('notify retry', () => {
  it('sends at once what was given up, where no runtime is', async () => {
    const receiver = await receiving()
    const workspace = await workspaceWith(`[notify.rules.hook]\nwebhook = "${receiver.url}"\n`)
    leave(workspace, 'failed', GIVEN_UP, { attempts: 8, ended_at: '2026-03-02T12:04:00.000Z' })
    expect(await ask('notify retry', workspace, { delivery_ids: [GIVEN_UP] })).toMatchObject({
      mode: 'direct',
      applied: true,
    })
    expect(receiver.ids).toEqual([GIVEN_UP])
    expect(fs.readdirSync(workspace.at('state/deliveries/done'))).toEqual([`${GIVEN_UP}.json`])
    expect(fs.readdirSync(workspace.at('state/deliveries/failed'))).toEqual([])
  })

  it('sends several, or with --all every one that was given up', async () => {
    const receiver = await receiving()
    const workspace = await workspaceWith(`[notify.rules.hook]\nwebhook = "${receiver.url}"\n`)
    const others = ['blocked-00000000000000a1', 'blocked-00000000000000a2']
    for (const id of [GIVEN_UP, ...others])
      leave(workspace, 'failed', id, { attempts: 8, ended_at: '2026-03-02T12:04:00.000Z' })
    expect(await ask('notify retry', workspace, { delivery_ids: [GIVEN_UP, others[0]] })).toMatchObject({
      applied: true,
      detail: '2 notifications are to be delivered again',
    })
    expect(receiver.ids.toSorted()).toEqual([GIVEN_UP, others[0]].toSorted())
    expect(await ask('notify retry', workspace, { all: true })).toMatchObject({
      applied: true,
      detail: `${others[1]} is to be delivered again`,
    })
    expect(receiver.ids.at(-1)).toBe(others[1])
    expect(await ask('notify retry', workspace, { all: true })).toMatchObject({
      applied: false,
      detail: 'no notification was given up',
    })
  })

  it('sends none of them where one was not given up', async () => {
    const receiver = await receiving()
    const workspace = await workspaceWith(`[notify.rules.hook]\nwebhook = "${receiver.url}"\n`)
    leave(workspace, 'failed', GIVEN_UP, { attempts: 8, ended_at: '2026-03-02T12:04:00.000Z' })
    const unknown = 'blocked-00000000000000a1'
    await expect(ask('notify retry', workspace, { delivery_ids: [GIVEN_UP, unknown] })).rejects.toMatchObject({
      code: 'delivery_unknown',
      message: `No delivery "${unknown}" was given up.`,
    })
    expect(receiver.ids).toEqual([])
    for (const odd of [{}, { all: true, delivery_ids: [GIVEN_UP] }])
      await expect(ask('notify retry', workspace, odd)).rejects.toMatchObject({ code: 'usage' })
  })

  it('can be previewed', async () => {
    const workspace = await workspaceWith('', { dryRun: true })
    leave(workspace, 'failed', GIVEN_UP)
    expect(await ask('notify retry', workspace, { delivery_ids: [GIVEN_UP] })).toMatchObject({
      state: 'preview',
      would: [`deliver ${GIVEN_UP} again`],
    })
  })
})

describe('notify check', () => {
  it('has nothing to say where nothing happened, in one line or keys', async () => {
    const workspace = await workspaceWith('')
    const answer = await ask<object>('notify check', workspace)
    expect(answer).toEqual({
      ok: true,
      workspace: workspace.root,
      runtime: 'none',
      delivered: 0,
      failed: 0,
      pending_count: 0,
    })
    expect(await shown('notify check', answer, true)).toContain('none was lost')
    expect((await shown('notify check', answer, false)).split('\n')[2]).toBe('runtime: none')
  })

  it('says what is wrong with a config instead of taking it for one without rules', async () => {
    await expect(ask('notify check', await workspaceWith('[notify.rules.me]\n'))).rejects.toMatchObject({
      code: 'config_invalid',
    })
  })
})

describe('doctor', () => {
  const found = async (
    config: string,
    environment: Record<string, string> = {},
    prepare = (_at: TestWorkspace) => {},
  ) => {
    const workspace = await workspaceWith(config, { environment: { PATH: process.env.PATH, ...environment } })
    prepare(workspace)
    const { findings } = await ask<DoctorOutput>('doctor', workspace)
    return findings
      .filter(({ code }) => /^(notify_|delivery_)/.test(code))
      .map(({ level, code, message }) => `${level} ${code}: ${message}`)
  }

  it('is silent where every receiver is there', async () => {
    const prepare = (workspace: TestWorkspace) =>
      fs.writeFileSync(path.join(workspace.root, 'tell.sh'), '#!/bin/sh\n', { mode: 0o755 })
    const config = `[notify.rules.a]\ncommand = ["sh"]\n[notify.rules.b]\ncommand = ["./tell.sh"]\n[notify.rules.c]\nwebhook = "http://localhost/"\nheaders = { A = "TOKEN" }\n`
    expect(await found(config, { TOKEN: 'x' }, prepare)).toEqual([])
  })

  it('names programs, variables and hosts that are not', async () => {
    const config = `[notify.rules.a]\ncommand = ["no-such-program"]\n[notify.rules.b]\ncommand = ["./tell.sh"]\n[notify.rules.c]\nwebhook = "http://localhost/"\nheaders = { A = "TOKEN" }\n[notify.rules.d]\nwebhook_env = "HOOK"\n[notify.rules.e]\nwebhook_env = "NO_HOOK"\n`
    expect(await found(config, { HOOK: 'https://hooks.example.com/s3cret' })).toEqual([
      'warning notify_address_unusable: notify.rules.d: the address in HOOK points to hooks.example.com, which notify.hosts does not name.',
      'warning notify_address_unusable: notify.rules.e: the environment variable NO_HOOK is not set.',
      'warning notify_command_missing: notify.rules.a: there is no program no-such-program.',
      'warning notify_command_missing: notify.rules.b: there is no program ./tell.sh.',
      'warning notify_variable_missing: notify.rules.c: the environment variable TOKEN is not set here.',
    ])
  })

  it('counts what was given up', async () => {
    expect(await found('', {}, (workspace) => leave(workspace, 'failed', GIVEN_UP))).toEqual([
      'info delivery_failed: Notifications that were given up: 1.',
    ])
  })
})

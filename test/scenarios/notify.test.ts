/** Being told: real commands and real servers, a runtime that dies in between, floods, and receivers that hang or fail. */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { type Change, event } from '../../src/core/changes.ts'
import type { Delivery } from '../../src/core/delivery.ts'
import type { Notification } from '../../src/core/notify.ts'
import { systemClock } from '../../src/engine/clock.ts'
import { runLoop } from '../../src/engine/daemon.ts'
import { tick } from '../../src/engine/tick.ts'
import type { NotifyCheckOutput } from '../../src/operations/schemas/notify.ts'
import { OPERATIONS } from '../../src/operations/table.ts'
import { disk } from '../../src/store/files.ts'
import { contextIn } from '../rig/context.ts'
import { ledgerLine, tokens } from '../rig/ledger.ts'
import { Daemon, Live, pause, until } from '../rig/live.ts'
import { type Answer, Receiver } from '../rig/receiver.ts'
import { Rig, type RigOptions, reply } from '../rig/runtime.ts'

let rig: Rig
let live: Live | null = null
const receivers: Receiver[] = []
const daemons: Daemon[] = []
afterEach(async () => {
  for (const daemon of daemons.splice(0)) await daemon.kill().catch(() => {})
  await live?.close().catch(() => {})
  live = null
  await rig?.engine?.close().catch(() => {})
  for (const receiver of receivers.splice(0)) await receiver.stop()
  rig?.dispose()
})

async function receiving(answer?: Answer, port?: number): Promise<Receiver> {
  const receiver = await Receiver.start(answer, port)
  receivers.push(receiver)
  return receiver
}

async function workspace(config: string, options: RigOptions = {}): Promise<void> {
  rig = await Rig.create({ config, ...options })
}

/** A task that nobody can build, and that ends up blocked. */
const hopeless = { builder: ['BLOCKED'], troubleshooter: ['BLOCKED', 'BLOCKED'], consultant: ['BLOCKED'] }

const records = (state: string): Delivery[] =>
  rig.list('state/deliveries', state).map((name) => rig.json<Delivery>('state/deliveries', state, name))
const blocked = (id: string): Change =>
  event('work_item_blocked', { work_item_kind: 'task', work_item_id: id, run_id: 'run-1', reason: 'no key' })
const check = async (waitSeconds = 5): Promise<NotifyCheckOutput> => {
  const operation = await OPERATIONS.find(({ name }) => name === 'notify check')!.load()
  return operation.run(contextIn(rig.root, { waitSeconds }), {}) as Promise<NotifyCheckOutput>
}

/** A command that writes down what it is handed, in the workspace. */
function recorder(): string {
  const file = path.join(rig.root, 'tell.sh')
  fs.writeFileSync(file, '#!/bin/sh\ncat >> told.jsonl\nenv > told.env\n', { mode: 0o755 })
  return file
}
const recorded = (): Notification[] =>
  fs.existsSync(path.join(rig.root, 'told.jsonl'))
    ? fs
        .readFileSync(path.join(rig.root, 'told.jsonl'), 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Notification)
    : []

describe('an item that is blocked', () => {
  test('is told to a command, with the facts as JSON and in the environment, and nothing of ours that is secret', async () => {
    await workspace('[notify.rules.me]\non = ["blocked"]\ncommand = ["./tell.sh"]\n')
    recorder()
    rig.addTask('task-a')
    rig.outcomes(hopeless)
    process.env.NOT_FOR_COMMANDS = 'secret'
    await rig.work()
    delete process.env.NOT_FOR_COMMANDS
    expect(rig.list('tasks/blocked')).toEqual(['task-a.md'])
    const [told, ...more] = recorded()
    expect(more).toEqual([])
    const run = rig.log('work_item_blocked')[0]
    expect(told).toMatchObject({
      kind: 'notification',
      rule: 'me',
      event: 'blocked',
      event_type: 'work_item_blocked',
      workspace: rig.root,
      facts: run,
    })
    expect(told?.text).toMatch(/^task task-a is blocked: /)
    const env = fs.readFileSync(path.join(rig.root, 'told.env'), 'utf8')
    for (const line of [
      `MILLRACE_DELIVERY_ID=${told?.delivery_id}`,
      'MILLRACE_RULE=me',
      'MILLRACE_EVENT=blocked',
      `MILLRACE_TEXT=${told?.text}`,
      `MILLRACE_WORKSPACE=${rig.root}`,
      'MILLRACE_WORK_ITEM_ID=task-a',
      `MILLRACE_RUN_ID=${run?.run_id}`,
    ])
      expect(env.split('\n')).toContain(line)
    expect(env).not.toContain('secret')
    expect(env).not.toContain('MILLRACE_REQUEST_ID')
    expect(records('pending')).toEqual([])
    expect(records('done')).toMatchObject([{ delivery_id: told?.delivery_id, attempts: 1, last_error: null }])
  })

  test('is told to a webhook, with headers whose values stand in no file', async () => {
    const receiver = await receiving()
    await workspace(
      `[notify.rules.hook]\nwebhook = "${receiver.url}"\nheaders = { Authorization = "HOOK_TOKEN" }\n[notify.rules.other]\non = ["closed"]\nwebhook = "${receiver.url}"\n`,
    )
    rig.addTask('task-a')
    rig.outcomes(hopeless)
    const environment = { PATH: process.env.PATH, HOME: rig.root, HOOK_TOKEN: 'Bearer s3cret' }
    rig.options.environment = environment
    await rig.work()
    expect(receiver.received).toHaveLength(1)
    const [{ headers, body }] = receiver.received as [Receiver['received'][number]]
    expect(headers).toMatchObject({
      authorization: 'Bearer s3cret',
      'content-type': 'application/json',
      'idempotency-key': body.delivery_id,
    })
    expect(body).toMatchObject({ event: 'blocked', rule: 'hook' })
    const everything = fs
      .readdirSync(rig.root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => fs.readFileSync(path.join(entry.parentPath, entry.name), 'utf8'))
    expect(everything.filter((text) => text.includes('s3cret'))).toEqual([])
  })

  test('is told by a command without a runtime as well', async () => {
    const receiver = await receiving()
    await workspace(`[notify.rules.hook]\nwebhook = "${receiver.url}"\n`)
    rig.addTask('task-a')
    rig.replies([reply('builder', 'BUILDER_COMPLETE', { steps: [{ wait_ms: 60_000 }] })])
    const daemon = new Daemon(rig)
    daemons.push(daemon)
    await daemon.agent('builder')
    await daemon.stop()
    const operation = await OPERATIONS.find(({ name }) => name === 'control cancel')!.load()
    const run_id = rig.view((view) => view.snapshot.active_runs[0]?.run_id)
    await operation.run(contextIn(rig.root), { run_id })
    expect(receiver.received.map(({ body }) => body.event)).toEqual(['blocked'])
    expect(records('done')).toHaveLength(1)
  })
})

describe('what stops or ends the work', () => {
  const told = (receiver: Receiver) => receiver.received.map(({ body }) => `${body.event} ${body.event_type}`)

  test('a spec that is closed', async () => {
    const receiver = await receiving()
    await workspace(`[notify.rules.hook]\nwebhook = "${receiver.url}"\n`)
    rig.addRootSpec('root')
    await rig.work()
    expect(told(receiver)).toEqual(['closed closure_target_closed'])
    expect(receiver.received[0]?.body).toMatchObject({ text: 'root passed and is closed' })
  })

  test('a disk that runs low, once each time it does', async () => {
    const receiver = await receiving()
    let freeBytes = 0
    await workspace(`[notify.rules.hook]\nwebhook = "${receiver.url}"\n`, {
      files: { ...disk, freeBytes: () => freeBytes },
    })
    live = await Live.start(rig)
    await live.until('it to be told', () => receiver.received.length === 1)
    await pause(300)
    freeBytes = 10 ** 12
    await live.until('the work to go on', () => rig.log('runtime_resumed').length === 1)
    freeBytes = 0
    await live.until('it to be told again', () => receiver.received.length === 2)
    expect(told(receiver)).toEqual(['disk_low runtime_paused', 'disk_low runtime_paused'])
    expect(new Set(receiver.ids).size).toBe(2)
  })

  test('a rule on usage that is over; a pause of a person is not told', async () => {
    const receiver = await receiving()
    await workspace(
      `[notify.rules.hook]\nwebhook = "${receiver.url}"\n[usage_governance]\nenabled = true\n[[usage_governance.runtime_token_rules.rules]]\nrule_id = "day"\nwindow = "rolling_1d"\nthreshold = 10\n`,
    )
    const at = new Date().toISOString()
    const line = ledgerLine('request-1', { counted_at: at, stage_completed_at: at, token_usage: tokens(100) })
    fs.writeFileSync(rig.at('state/usage_governance_ledger.jsonl'), `${JSON.stringify(line)}\n`)
    live = await Live.start(rig)
    await live.until('it to be told', () => receiver.received.length === 1)
    await live.command('pause')
    await pause(300)
    expect(told(receiver)).toEqual(['quota runtime_paused'])
  })
})

describe('a receiver', () => {
  test('that fails once is tried again, with the same id', async () => {
    const receiver = await receiving((number) => (number === 1 ? 500 : 200))
    await workspace(`[notify.rules.hook]\nwebhook = "${receiver.url}"\n`)
    live = await Live.start(rig, (engine) => engine.commit([blocked('T-1')]))
    await live.until('the first attempt to be recorded', () => records('pending')[0]?.attempts === 1)
    expect(records('pending')).toMatchObject([{ last_error: 'it answered 500: no, 500' }])
    await live.until('the second attempt', () => records('done').length === 1)
    expect(receiver.ids).toHaveLength(2)
    expect(new Set(receiver.ids).size).toBe(1)
    expect(records('done')).toMatchObject([{ attempts: 2, last_error: null }])
  })

  test('that hangs delays neither the tick, nor the work, nor other receivers', async () => {
    const hanging = await receiving(() => 'nothing')
    const receiver = await receiving()
    await workspace(
      `[notify.rules.hanging]\nwebhook = "${hanging.url}"\ntimeout_seconds = 60\n[notify.rules.sleeping]\ncommand = ["sleep", "60"]\ntimeout_seconds = 60\n[notify.rules.good]\nwebhook = "${receiver.url}"\n`,
    )
    const engine = await rig.open()
    const slowest = async (passes: number) => {
      let ms = 0
      for (let pass = 0; pass < passes; pass++) {
        const begun = performance.now()
        await tick(engine)
        ms = Math.max(ms, performance.now() - begun)
        await pause(10)
      }
      return ms.toFixed(1)
    }
    await tick(engine)
    const before = await slowest(30)
    await engine.commit([blocked('T-1'), blocked('T-2')])
    const beside = await slowest(30)
    console.info(`slowest of 30 passes: ${before} ms; beside two hanging receivers and a good one: ${beside} ms`)
    expect(Number(beside)).toBeLessThan(1000)
    expect(receiver.received).toHaveLength(2)
    expect(hanging.received, 'one at a time').toHaveLength(1)
    rig.addTask('task-a')
    await runLoop(engine, { ticksMax: 100, stopWhenIdle: true })
    expect(rig.list('tasks/done')).toEqual(['task-a.md'])
    expect(records('pending')).toHaveLength(4)
    engine.stopping = 'kill'
    const begun = performance.now()
    await rig.close()
    expect(performance.now() - begun).toBeLessThan(3000)
    expect(
      records('pending')
        .map(({ recipient, attempts }) => `${recipient} ${attempts}`)
        .sort(),
    ).toEqual(['hanging 0', 'hanging 1', 'sleeping 0', 'sleeping 1'])
    expect(
      records('pending')
        .map(({ last_error }) => last_error)
        .filter(Boolean),
    ).toEqual(['it was not waited for any longer', 'it was not waited for any longer'])
  })

  test('that hangs keeps a runtime that ends waiting for five seconds, and no longer', async () => {
    const hanging = await receiving(() => 'nothing')
    await workspace(`[notify.rules.hanging]\nwebhook = "${hanging.url}"\ntimeout_seconds = 60\n`)
    const engine = await rig.open()
    await engine.commit([blocked('T-1')])
    const begun = performance.now()
    await rig.close()
    const ms = performance.now() - begun
    expect(ms).toBeGreaterThan(4500)
    expect(ms).toBeLessThan(9000)
    expect(records('pending')).toMatchObject([{ attempts: 1 }])
    expect(rig.logTypes().at(-2)).toBe('runtime_closed')
  })

  test('that is down is told once it is back, though the runtime was started anew in between', async () => {
    const first = await receiving()
    const { port, url } = first
    await first.stop()
    receivers.pop()
    await workspace(`[notify.rules.hook]\nwebhook = "${url}"\n`)
    const engine = await rig.open()
    await engine.commit([blocked('T-1')])
    await rig.close()
    const [waiting] = records('pending')
    expect(waiting).toMatchObject({ attempts: 1, last_error: 'ECONNREFUSED' })
    const receiver = await receiving(() => 204, port)
    live = await Live.start(rig)
    await live.until('it to be told', () => receiver.received.length === 1)
    expect(receiver.ids).toEqual([waiting?.delivery_id])
    await live.until('that to be recorded', () => records('done').length === 1)
  })

  test('that never answers well is given up, which is told once in the log; a retry sends it again', async () => {
    const receiver = await receiving(() => 500)
    await workspace(`[notify.rules.hook]\nwebhook = "${receiver.url}"\nattempts_max = 1\n`)
    live = await Live.start(rig, (engine) => engine.commit([blocked('T-1')]))
    await live.until('it to be given up', () => records('failed').length === 1)
    const [failed] = records('failed')
    expect(rig.log('delivery_failed')).toEqual([
      {
        delivery_id: failed?.delivery_id,
        channel: 'notify',
        recipient: 'hook',
        attempts: 1,
        error: 'it answered 500: no, 500',
      },
    ])
    expect(failed?.ended_at).not.toBeNull()
    receiver.answer = () => 200
    expect(await rig.issue('retry_deliveries', { delivery_ids: [failed?.delivery_id] })).toMatchObject({
      mode: 'mailbox',
      applied: true,
    })
    await live.until('it to arrive', () => records('done').length === 1)
    expect(receiver.ids).toEqual([failed?.delivery_id, failed?.delivery_id])
    expect(records('failed')).toEqual([])
    await expect(rig.issue('retry_deliveries', { delivery_ids: [failed?.delivery_id] })).rejects.toMatchObject({
      code: 'delivery_unknown',
    })
    await expect(rig.issue('retry_deliveries', { delivery_ids: ['../../millrace'] })).rejects.toMatchObject({
      code: 'delivery_unknown',
    })
  })

  test('whose rule was taken out of the config is given up', async () => {
    const receiver = await receiving(() => 500)
    await workspace(`[notify.rules.hook]\nwebhook = "${receiver.url}"\n`)
    live = await Live.start(rig, (engine) => engine.commit([blocked('T-1')]))
    await live.until('the first attempt', () => records('pending')[0]?.attempts === 1)
    rig.config('')
    await live.command('reload_config')
    await live.until('it to be given up', () => records('failed').length === 1)
    expect(records('failed')).toMatchObject([{ last_error: 'notify.rules.hook is no longer in the config' }])
    expect(receiver.received).toHaveLength(1)
  })

  test('has a file of its own until then, which a person may take away', async () => {
    const receiver = await receiving(() => 500)
    await workspace(`[notify.rules.hook]\nwebhook = "${receiver.url}"\n`)
    live = await Live.start(rig, (engine) => engine.commit([blocked('T-1')]))
    await live.until('the first attempt', () => records('pending')[0]?.attempts === 1)
    fs.unlinkSync(rig.at('state/deliveries/pending', rig.list('state/deliveries/pending')[0]!))
    await live.until('the second attempt', () => receiver.received.length === 2)
    await pause(300)
    expect(live.end).toBeNull()
    expect([...records('pending'), ...records('done'), ...records('failed')]).toEqual([])
    expect(live.engine.deliveries.dueTimes()).toEqual([])
  })
})

describe('a runtime that dies', () => {
  test('between commit and sending: the next one delivers, with the same id', async () => {
    const hanging = await receiving(() => 'nothing')
    await workspace(`[notify.rules.hook]\non = ["blocked"]\nwebhook = "${hanging.url}"\n`)
    rig.addTask('task-a')
    rig.replies([reply('builder', 'BUILDER_COMPLETE', { steps: [{ wait_ms: 60_000 }] })])
    const daemon = new Daemon(rig)
    daemons.push(daemon)
    await daemon.agent('builder')
    await rig.command('cancel_run', { run_id: rig.view((view) => view.snapshot.active_runs[0]?.run_id) })
    await until('the attempt to begin', () => hanging.received.length === 1)
    await daemon.kill()
    const [waiting] = records('pending')
    expect(waiting).toMatchObject({ attempts: 0, delivery_id: hanging.ids[0] })
    hanging.answer = () => 200
    await rig.work()
    expect(hanging.ids).toEqual([waiting?.delivery_id, waiting?.delivery_id])
    expect(records('done')).toMatchObject([{ delivery_id: waiting?.delivery_id }])
    expect(rig.log('work_item_blocked')).toHaveLength(1)
  })

  const lostTo = (receiver: Receiver) => receiver.received.filter(({ body }) => body.event === 'daemon_down')
  async function dead(url: string): Promise<void> {
    await workspace(`[notify.rules.hook]\non = ["daemon_down"]\nwebhook = "${url}"\n`)
    const daemon = new Daemon(rig)
    daemons.push(daemon)
    await until('the runtime to be at work', () => rig.logTypes().includes('runtime_started'))
    await daemon.kill()
  }

  test('is told by the next one, once', async () => {
    const receiver = await receiving()
    await dead(receiver.url)
    await rig.work()
    await rig.work()
    expect(lostTo(receiver)).toHaveLength(1)
    expect(lostTo(receiver)[0]?.body).toMatchObject({
      text: expect.stringMatching(/^a runtime ended without giving the workspace back: process \d+ is gone$/),
      facts: { runtime_mode: 'daemon', generation: 1 },
    })
    expect(rig.log('runtime_lost')).toHaveLength(1)
  })

  test('is told once by ten that look at the same time', async () => {
    const receiver = await receiving()
    await dead(receiver.url)
    const found = await Promise.all(Array.from({ length: 10 }, () => check()))
    expect(found.filter(({ runtime }) => runtime === 'lost')).toHaveLength(1)
    expect(await check()).toMatchObject({ ok: true, runtime: 'none', delivered: 0, pending_count: 0 })
    expect(lostTo(receiver)).toHaveLength(1)
  })

  test('is told by any command that changes something', async () => {
    const receiver = await receiving()
    await dead(receiver.url)
    await rig.issue('pause')
    expect(lostTo(receiver)).toHaveLength(1)
    await rig.issue('resume')
    expect(lostTo(receiver)).toHaveLength(1)
  })

  test('again is told again, and one that was stopped is not', async () => {
    const receiver = await receiving()
    await dead(receiver.url)
    const daemon = new Daemon(rig)
    daemons.push(daemon)
    await until('the second to be at work', () => rig.log('runtime_started').length === 2)
    await daemon.kill()
    await rig.work()
    expect(lostTo(receiver)).toHaveLength(2)
    expect(new Set(receiver.ids).size).toBe(2)
    await rig.open()
    await rig.close()
    expect(await check()).toMatchObject({ runtime: 'none' })
    expect(lostTo(receiver)).toHaveLength(2)
  })

  test('is no matter while it lives: a check leaves it alone', async () => {
    const receiver = await receiving()
    await workspace(`[notify.rules.hook]\nwebhook = "${receiver.url}"\n`)
    live = await Live.start(rig)
    expect(await check()).toMatchObject({ ok: true, runtime: 'at_work', delivered: 0 })
    expect(receiver.received).toEqual([])
  })
})

describe('a check', () => {
  test('sends what an earlier runtime could not, and says what went wrong', async () => {
    const receiver = await receiving(() => 500)
    await workspace(`[notify.rules.hook]\nwebhook = "${receiver.url}"\nattempts_max = 3\n`)
    const engine = await rig.open()
    await engine.commit([blocked('T-1')])
    await rig.close()
    expect(records('pending')).toMatchObject([{ attempts: 1 }])
    expect(await check(), 'not due yet').toMatchObject({ ok: true, delivered: 0, failed: 0, pending_count: 1 })
    const [{ delivery_id, ...rest }] = records('pending') as [Delivery]
    const due = { ...rest, delivery_id, next_attempt_at: rest.created_at }
    fs.writeFileSync(rig.at('state/deliveries/pending', `${delivery_id}.json`), JSON.stringify(due))
    expect(await check()).toMatchObject({ ok: false, delivered: 0, failed: 1, pending_count: 1 })
    receiver.answer = () => 200
    fs.writeFileSync(rig.at('state/deliveries/pending', `${delivery_id}.json`), JSON.stringify(due))
    expect(await check()).toMatchObject({ ok: true, delivered: 1, failed: 0, pending_count: 0 })
    expect(new Set(receiver.ids)).toEqual(new Set([delivery_id]))
  })
})

describe('a flood', () => {
  test('of a thousand blocked items is a few notifications and one that counts the rest', {
    timeout: 120_000,
  }, async () => {
    const receiver = await receiving()
    // Time stands still, so that the minute is the same however slow the machine is.
    let now = new Date('2026-03-02T12:00:00.000Z')
    const clock = { ...systemClock, now: () => now }
    await workspace(`[notify.rules.hook]\nwebhook = "${receiver.url}"\nper_minute_max = 7\n`, {
      clock,
      files: { ...disk, flush: async () => {} },
    })
    const engine = await rig.open()
    for (let number = 0; number < 1000; number++) {
      await engine.commit([blocked(`T-${number}`)])
      if (number % 100 === 0) await tick(engine)
    }
    await engine.deliveries.finish(5000)
    expect(receiver.received.map(({ body }) => body.event)).toEqual(Array.from({ length: 7 }, () => 'blocked'))
    expect(records('pending')).toHaveLength(1)
    // Another runtime, in the same minute, has forgotten nothing.
    await rig.close()
    const next = await rig.open()
    await next.commit([blocked('T-1000')])
    expect(records('pending')).toHaveLength(1)
    now = new Date('2026-03-02T12:01:00.000Z')
    await next.deliveries.finish(5000)
    expect(receiver.received).toHaveLength(8)
    expect(receiver.received[7]?.body).toMatchObject({ event: 'summary', facts: { counts: { blocked: 994 } } })
    expect(new Set(receiver.ids).size).toBe(8)
    await rig.close()
  })
})

/** Deliveries of any kind, on a workspace of their own: attempts, what was done already, and how many records are kept. */
import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { clock } from '../../test/agents/clock.ts'
import { emptyWorkspace } from '../../test/rig/store.ts'
import { parseConfig } from '../core/config.ts'
import { type Delivery, newDelivery } from '../core/delivery.ts'
import { processIdentity } from '../runners/process.ts'
import { disk } from '../store/files.ts'
import { Workspace } from '../store/workspace.ts'
import { type Channel, Deliveries, type Outcome } from './deliveries.ts'

const opened: { root: string; workspace: Workspace }[] = []
afterEach(async () => {
  for (const { root, workspace } of opened.splice(0)) {
    await workspace.close().catch(() => {})
    fs.rmSync(root, { recursive: true, force: true })
  }
})

const files = { ...disk, flush: async () => {} }
const delivery = (number: number, recipient = 'somebody'): Delivery =>
  newDelivery(clock.now().toISOString(), {
    delivery_id: `test-${String(number).padStart(16, '0')}`,
    channel: 'notify',
    recipient,
    payload: { event: 'test' },
  })

/** Deliveries over a real workspace, carried out by `channel`; `restarted` is what the next runtime has of them. */
async function setUp(channel: Partial<Channel>) {
  const root = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-deliveries-')))
  const places = emptyWorkspace(root)
  const onFatal = (error: Error): never => {
    throw error
  }
  const workspace = await Workspace.open({ files, clock, processes: processIdentity }, root, { onFatal })
  opened.push({ root, workspace })
  const make = () => {
    const deliveries: Deliveries = new Deliveries({
      files,
      places,
      clock,
      channels: { notify: { attemptsMax: () => 1, carryOut: async () => ({ done: true }), ...channel } },
      notify: () => parseConfig({}, 'x').notify,
      revision: () => workspace.view().snapshot.revision,
      async commit(changes) {
        await workspace.commit(changes)
        for (const change of changes) deliveries.hear(change)
      },
      wake: () => {},
    })
    deliveries.load()
    return deliveries
  }
  const deliveries = make()
  const add = async (...added: Delivery[]) => {
    const changes = added.map((one) => ({ change: 'delivery.add' as const, delivery: one }))
    await workspace.commit(changes)
    for (const change of changes) deliveries.hear(change)
  }
  const names = (state: string) => {
    const folder = places.at(`state/deliveries/${state}`)
    return fs.existsSync(folder) ? fs.readdirSync(folder).sort() : []
  }
  return { deliveries, restarted: make, add, names, places }
}

test('what an earlier runtime may have carried out is asked for first, and not done twice', async () => {
  const carried: string[] = []
  const happened = new Set(['test-0000000000000001'])
  const { restarted, add, names } = await setUp({
    carryOut: async ({ delivery_id }) => {
      carried.push(delivery_id)
      return { done: true }
    },
    probe: async ({ delivery_id }) => happened.has(delivery_id),
  })
  await add(delivery(1), delivery(2))
  expect(await restarted().finish(5000)).toEqual({ delivered: 2, failed: 0 })
  expect(carried).toEqual(['test-0000000000000002'])
  expect(names('done')).toEqual(['test-0000000000000001.json', 'test-0000000000000002.json'])
})

test('what this runtime decided is carried out without asking', async () => {
  let asked = 0
  const { deliveries, add, names } = await setUp({
    probe: async () => {
      asked += 1
      return true
    },
  })
  await add(delivery(1))
  await deliveries.finish(5000)
  expect(asked).toBe(0)
  expect(names('done')).toHaveLength(1)
})

test('each receiver has one attempt at a time, oldest first, and none waits for another', async () => {
  const begun: string[] = []
  const endings = new Map<string, (outcome: Outcome) => void>()
  const { deliveries, add } = await setUp({
    carryOut: ({ delivery_id }) => {
      begun.push(delivery_id.slice(-1))
      return new Promise((resolve) => endings.set(delivery_id.slice(-1), resolve))
    },
  })
  await add(delivery(1, 'one'), delivery(2, 'one'), delivery(3, 'two'))
  await deliveries.settle()
  await deliveries.settle()
  expect(begun).toEqual(['1', '3'])
  endings.get('1')!({ done: true })
  await new Promise((resolve) => setTimeout(resolve, 10))
  await deliveries.settle()
  expect(begun).toEqual(['1', '3', '2'])
  for (const ending of endings.values()) ending({ done: true })
  await deliveries.finish(5000)
})

test('a channel that throws is an attempt that failed', async () => {
  const { deliveries, add, names, places } = await setUp({
    async carryOut() {
      throw new Error('a defect')
    },
  })
  await add(delivery(1))
  expect(await deliveries.finish(5000)).toEqual({ delivered: 0, failed: 1 })
  const [name] = names('failed')
  const record = JSON.parse(fs.readFileSync(places.at(`state/deliveries/failed/${name}`), 'utf8'))
  expect(record).toMatchObject({ attempts: 1, last_error: 'a defect' })
})

test('of those that are over, the newest are kept', { timeout: 60_000 }, async () => {
  const { deliveries, add, names, places } = await setUp({})
  fs.mkdirSync(places.at('state/deliveries/done'), { recursive: true })
  const old = Array.from({ length: 400 }, (_, at) => delivery(1000 + at))
  for (const [at, one] of old.entries()) {
    const file = places.at(`state/deliveries/done/${one.delivery_id}.json`)
    fs.writeFileSync(file, JSON.stringify(one))
    fs.utimesSync(file, 1_700_000_000 - at, 1_700_000_000 - at)
  }
  await add(delivery(1))
  await deliveries.finish(5000)
  expect(names('done')).toEqual(
    ['test-0000000000000001.json', ...old.slice(0, 200).map(({ delivery_id }) => `${delivery_id}.json`)].sort(),
  )
})

import * as os from 'node:os'
import { describe, expect, test } from 'vitest'
import { MillraceError } from '../../src/core/errors.ts'
import { ROOT } from '../../src/selftest/scene.ts'
import { hashTree } from '../../src/selftest/simulated-disk.ts'
import { adoptionOf } from '../../src/store/adopt/adopt.ts'
import { AT } from '../../src/store/layout.ts'
import { readWorkspace, Workspace } from '../../src/store/workspace.ts'
import { lock } from './fixtures/state.mjs'
import { adoptOn, at, json, lifeOf, oldWorkspace, PLACES, portsOf, previewOn } from './machine.ts'

const LOCK = at(`millrace-agents/${AT.lockFile}`)

/** The refusal, after which everything is as it was. */
async function refusedOn(on: ReturnType<typeof lifeOf>): Promise<MillraceError> {
  const before = hashTree(on.disk.top)
  const error = await adoptOn(on).catch((thrown) => thrown)
  expect(error).toBeInstanceOf(MillraceError)
  expect(hashTree(on.disk.top)).toBe(before)
  expect(() => previewOn(on)).toThrow(error.message)
  return error
}

const old = () => lifeOf(oldWorkspace('0.14', { runsMax: 0 }).tree)
const own = { root: ROOT, host: os.hostname() }

describe('the lock of the Python runtime', () => {
  test('refuses while its process lives here', async () => {
    const on = old()
    on.disk.write(LOCK, lock({ ...own, pid: on.processes.self().pid }))
    const error = await refusedOn(on)
    expect(error.code).toBe('lock_held')
    expect(error.hint).toContain('stop that runtime first')
  })

  test('refuses where it lies on another host, of which nothing can be told', async () => {
    const on = old()
    on.disk.write(LOCK, lock({ ...own, host: 'elsewhere.example', pid: 1 }))
    expect((await refusedOn(on)).message).toContain('elsewhere.example')
  })

  test.each([
    ['stale', lock({ ...own, pid: 999 })],
    ['of a workspace that was moved', lock({ root: '/home/operator/project', host: 'oldbox', pid: 1 })],
    ['empty', ''],
    ['cut off', '{"workspace_root": "/sel'],
    ['of another form', '{}'],
  ])('is kept aside when it is %s', async (_what, text) => {
    const on = old()
    on.disk.write(LOCK, text)
    const adoption = await adoptOn(on)
    expect(Buffer.from(on.disk.read(at(`millrace-agents/${adoption!.keptIn}/${AT.lockFile}`))!).toString()).toBe(text)
    expect(on.disk.read(LOCK)).toBeNull()
  })
})

describe('a workspace that cannot be adopted', () => {
  test('is one with a schema epoch', async () => {
    const on = old()
    on.disk.write(at('millrace-agents/state/workspace_schema_epoch.json'), '{"epoch_id": "v0.20"}\n')
    const error = await refusedOn(on)
    expect([error.code, error.message]).toEqual(['workspace_unsupported', expect.stringContaining('0.20')])
  })

  test('is one with blueprints', async () => {
    const on = old()
    on.disk.makeFolder(at('millrace-agents/blueprints/drafts/queue'))
    expect((await refusedOn(on)).code).toBe('workspace_unsupported')
  })

  test('is one whose snapshot has members of a later version', async () => {
    const on = old()
    const snapshot = json(on, `millrace-agents/${AT.snapshot}`)
    on.disk.write(at(`millrace-agents/${AT.snapshot}`), JSON.stringify({ ...snapshot, lanes_by_id: {} }))
    const error = await refusedOn(on)
    expect([error.code, error.message]).toEqual(['workspace_unsupported', expect.stringContaining('lanes_by_id')])
  })

  test.each([
    ['snapshot', AT.snapshot],
    ['counters', AT.counters],
    ['closure target', `${AT.targets}/idea-export-hardening.json`],
  ])('is one whose %s is cut off', async (_what, file) => {
    const on = old()
    const text = Buffer.from(on.disk.read(at(`millrace-agents/${file}`))!).toString()
    on.disk.write(at(`millrace-agents/${file}`), text.slice(0, 100))
    const error = await refusedOn(on)
    expect([error.code, error.message]).toEqual(['state_corrupt', expect.stringContaining(file)])
  })
})

test('every other reader and writer refuses the old workspace, and says what to run', async () => {
  const on = old()
  on.disk.unlink(LOCK)
  const said = { code: 'workspace_unsupported', hint: 'run `millrace upgrade`' }
  expect(() => readWorkspace(on, ROOT, (view) => view.snapshot)).toThrow(expect.objectContaining(said))
  const onFatal = (error: MillraceError): never => {
    throw error
  }
  await expect(Workspace.open(on, ROOT, { onFatal })).rejects.toMatchObject(said)
  expect(previewOn(on)).not.toBeNull()
})

test('a workspace that is paused stays paused, by its operator only', async () => {
  const on = lifeOf(oldWorkspace('0.16', { runsMax: 0 }).tree)
  const file = `millrace-agents/${AT.snapshot}`
  const paused = { ...json(on, file), paused: true, pause_sources: ['operator', 'usage_governance'] }
  on.disk.write(at(file), JSON.stringify(paused))
  await adoptOn(on)
  expect(json(on, file).pause_sources).toMatchObject([{ source: 'operator', until: null }])
})

test('a person who edits state between the look and the transaction is not overwritten', async () => {
  const on = old()
  const file = at(`millrace-agents/${AT.counters}`)
  const files = {
    ...on.files,
    write: (target: string, bytes: Uint8Array | string, options?: { exclusive?: boolean; mode?: number }) => {
      if (/journal\.\d+\.json$/.test(target)) on.disk.append(file, ' ')
      on.files.write(target, bytes, options)
    },
  }
  const before = Buffer.from(on.disk.read(file)!).toString()
  const adoption = adoptionOf(portsOf(on, on.files), PLACES)!
  await adoptOn(on, files)
  const kept = (on.disk.list(at('millrace-agents/state')) ?? []).filter((name) => name.includes('.json.conflict-'))
  const edited = (name: string) => Buffer.from(on.disk.read(at(`millrace-agents/state/${name}`))!).toString()
  expect(kept.map(edited)).toContain(`${before} `)
  expect(on.disk.stat(at(`millrace-agents/${adoption.keptIn}`))).not.toBeNull()
})

import * as fs from 'node:fs'
import { describe, expect, test } from 'vitest'
import { elsewhere } from '../../test/rig/lock.ts'
import { emptyWorkspace, exists, read, temporaryFolder } from '../../test/rig/store.ts'
import { later } from '../../test/rig/story.ts'
import { processIdentity } from '../runners/process.ts'
import { disk, type Files, hashBytes } from './files.ts'
import { encodeRecord } from './journal.ts'
import { AT, journalFile, type Places } from './layout.ts'
import { adoptRecord, pendingRecord } from './pending.ts'
import { readWorkspace, Workspace } from './workspace.ts'

const workspace = (): Places => emptyWorkspace(temporaryFolder())
const free = (generation: number) => ({ generation, guard: () => {} })
const code = (expected: string) => expect.objectContaining({ code: expected })

/** A record that puts one file, as a holder of that generation would leave it. */
function leave(places: Places, file: string, revision: number, generation = 1, text = `by ${generation}`): Buffer {
  const operations = [{ op: 'put' as const, path: 'x.md', content: { text }, expects: null, leaves: hashBytes(text) }]
  const record = encodeRecord({ revision, generation, operations })
  fs.writeFileSync(places.at(file), record)
  return record
}

const names = (places: Places) => fs.readdirSync(places.at('state')).filter((name) => name.startsWith('journal'))

describe('the pending record', () => {
  test('is that of the newest generation, whatever else lies there', () => {
    const places = workspace()
    expect(pendingRecord(disk, places)).toBeNull()
    leave(places, AT.journal, 1)
    expect(pendingRecord(disk, places)?.file).toBe(AT.journal)
    for (const generation of [9, 10, 2]) leave(places, journalFile(generation), 1, generation)
    for (const name of ['journal.x.json', 'journal.011.json', '.journal.12.json', 'journal.13.json.conflict-1'])
      fs.writeFileSync(places.at(`state/${name}`), '')
    expect(pendingRecord(disk, places)?.file).toBe(journalFile(10))
  })

  test('is nothing if it is retired while one looks', () => {
    const places = workspace()
    leave(places, journalFile(3), 1)
    expect(pendingRecord({ ...disk, read: () => null }, places)).toBeNull()
  })
})

describe('adopting a record', () => {
  test.each([AT.journal, journalFile(1)])(
    'gives %s the name of the new holder, and removes older ones',
    async (file) => {
      const places = workspace()
      const record = leave(places, file, 1)
      await adoptRecord(disk, places, free(2))
      expect(names(places)).toEqual(['journal.2.json'])
      expect(fs.readFileSync(places.at(journalFile(2)))).toEqual(record)
      leave(places, journalFile(1), 1)
      await adoptRecord(disk, places, free(2))
      expect(names(places)).toEqual(['journal.2.json'])
    },
  )

  test('has it durable under the new name before the old one goes', async () => {
    const places = workspace()
    leave(places, journalFile(1), 1)
    const flush: Files['flush'] = async (paths) => {
      expect(paths).toEqual([places.at('state')])
      expect(names(places)).toEqual(['journal.1.json', 'journal.2.json'])
      await disk.flush(paths)
    }
    await adoptRecord({ ...disk, flush }, places, free(2))
    expect(names(places)).toEqual(['journal.2.json'])
  })

  test('is content with a record that was retired, or linked, without a word', async () => {
    const places = workspace()
    leave(places, journalFile(1), 1)
    const lost: Files['link'] = (from, to) => {
      disk.link(from, to)
      throw Object.assign(new Error('asked twice'), { code: 'EEXIST' })
    }
    await adoptRecord({ ...disk, link: lost }, places, free(2))
    expect(names(places)).toEqual(['journal.2.json'])
    const retired: Files['link'] = (from, to) => {
      disk.unlink(from)
      disk.link(from, to)
    }
    await adoptRecord({ ...disk, link: retired }, places, free(3))
    expect(names(places)).toEqual([])
  })

  test('leaves everything as it is for a record of a newer version, and for a holder that lost the lock', async () => {
    const places = workspace()
    leave(places, journalFile(1), 1)
    const lost = () => {
      throw new Error('lost')
    }
    await expect(adoptRecord(disk, places, { generation: 2, guard: lost })).rejects.toThrow('lost')
    const newer = leave(places, journalFile(2), 1).toString().replace('millrace-journal 1', 'millrace-journal 2')
    fs.writeFileSync(places.at(journalFile(2)), newer)
    await expect(adoptRecord(disk, places, free(3))).rejects.toEqual(code('state_newer'))
    expect(names(places)).toEqual(['journal.1.json', 'journal.2.json'])
  })
})

describe('after a takeover of which nothing was proven', () => {
  const onFatal = (error: Error): never => {
    throw error
  }
  const ports = (processes = processIdentity as Parameters<typeof Workspace.open>[0]['processes']) => {
    return { files: disk, clock: later, processes }
  }
  const seen = (places: Places) =>
    readWorkspace(ports(), places.root, (view, through) => ({
      revision: view.snapshot.revision,
      x: through.read(places.at('x.md'))?.toString() ?? null,
    })).value

  test('one revision is left out, so that a record written too late is known by its own', async () => {
    const places = workspace()
    await Workspace.open(ports(elsewhere()), places.root, { onFatal })
    const next = await Workspace.open(ports(), places.root, { onFatal, force: true })
    await next.commit([{ change: 'document.put', path: 'y.md', text: 'y' }])
    expect(seen(places)).toEqual({ revision: 2, x: null })
    leave(places, journalFile(1), 1)
    expect(seen(places)).toEqual({ revision: 2, x: null })
    await next.close()
    const third = await Workspace.open(ports(), places.root, { onFatal })
    expect(third.recovered).toBe('retired')
    expect([exists(places.runtime, 'x.md'), names(places)]).toEqual([false, []])
    await third.close()
  })

  test('of a proven dead holder no revision is left out', async () => {
    const places = workspace()
    const dead = { ...processIdentity, self: () => ({ ...processIdentity.self(), startTime: 'earlier' }) }
    await Workspace.open(ports(dead), places.root, { onFatal })
    leave(places, journalFile(1), 1)
    const next = await Workspace.open(ports(), places.root, { onFatal })
    expect([next.recovered, read(places.runtime, 'x.md')]).toEqual(['applied', 'by 1'])
    await next.commit([{ change: 'document.put', path: 'y.md', text: 'y' }])
    expect(seen(places).revision).toBe(1)
    await next.close()
  })
})

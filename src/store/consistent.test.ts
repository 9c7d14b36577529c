import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { readConsistently } from './consistent.ts'
import { disk, hashBytes, readText } from './files.ts'
import { encodeRecord } from './journal.ts'
import { AT, placesOf } from './layout.ts'

const roots: string[] = []
afterEach(() => {
  for (const root of roots.splice(0)) fs.rmSync(root, { recursive: true, force: true })
})

function workspace(revision: number) {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-look-'))
  roots.push(root)
  const places = placesOf(root)
  fs.mkdirSync(places.at('state'), { recursive: true })
  const write = (file: string, content: string | Uint8Array) => fs.writeFileSync(places.at(file), content)
  write(AT.snapshot, JSON.stringify({ revision }))
  write('state/note', 'old')
  return { places, write }
}

const put = (file: string, text: string, expects: string | null) => ({
  op: 'put' as const,
  path: file,
  content: { text },
  expects,
  leaves: hashBytes(text),
})

describe('readConsistently', () => {
  const note = (places: ReturnType<typeof placesOf>) =>
    readConsistently(disk, places, (files, pending) => ({ text: readText(files, places.at('state/note')), pending }))

  it('shows the files as they are where no transaction is pending', () => {
    const { places } = workspace(3)
    expect(note(places)).toEqual({ text: 'old', pending: null })
  })

  it('lays a whole transaction over the files that its writer left half done', () => {
    const { places, write } = workspace(3)
    const operations = [put('state/note', 'new', hashBytes('old'))]
    write(AT.journal, encodeRecord({ revision: 4, generation: 1, operations }))
    const { text, pending } = note(places)
    expect(text).toBe('new')
    expect(pending).toMatchObject({ revision: 4, operations: 1 })
    expect(fs.readFileSync(places.at('state/note'), 'utf8')).toBe('old')
  })

  it('lets a record that was applied, or was torn, change nothing', () => {
    const { places, write } = workspace(5)
    const record = encodeRecord({ revision: 4, generation: 1, operations: [put('state/note', 'older', null)] })
    write(AT.journal, record)
    expect(note(places).text).toBe('old')
    write(AT.journal, record.subarray(0, record.length - 5))
    expect(note(places)).toMatchObject({ text: 'old', pending: { revision: null } })
  })

  it('looks again when a writer was at work meanwhile', () => {
    const { places, write } = workspace(3)
    let looks = 0
    const text = readConsistently(disk, places, (files) => {
      looks += 1
      const read = readText(files, places.at('state/note'))
      if (looks === 1) {
        write('state/note', 'new')
        write(AT.snapshot, JSON.stringify({ revision: 4 }))
      }
      return read
    })
    expect(text).toBe('new')
    expect(looks).toBe(2)
  })

  it('gives up, in one sentence, where that never ends', () => {
    const { places, write } = workspace(0)
    let revision = 0
    const forever = () =>
      readConsistently(disk, places, () => {
        revision += 1
        write(AT.snapshot, JSON.stringify({ revision }))
      })
    expect(forever).toThrow('The workspace kept changing while it was read.')
    expect(revision).toBeLessThan(100)
  })
})

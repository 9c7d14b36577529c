/** The conformance kit asked of every adapter, with small programs that speak its harness's protocol. */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { BEHAVIOURS } from '../../src/testing/behaviours.ts'
import { conformance, conformanceTable, type Row } from '../../src/testing/conformance.ts'
import { temporaryFolder } from '../agents/rig.ts'
import { FAKES } from './fakes.ts'

const scratch = temporaryFolder()
const asked = { scratch, elsewhere: path.join(scratch, 'elsewhere') }
const rows: Row[] = []
afterAll(() => {
  console.info(conformanceTable(rows))
  fs.rmSync(scratch, { recursive: true, force: true })
})

describe.each(FAKES.map((subject) => [subject.name, subject] as const))('%s', (_name, subject) => {
  test.each(BEHAVIOURS.map(({ id, about }) => [about, id] as const))('%s', { timeout: 60_000 }, async (_about, id) => {
    const [row] = await conformance(subject, { ...asked, only: [id] })
    rows.push(row!)
    expect(row!.verdict === 'fails' ? row!.because : []).toEqual([])
  })

  test('makes an exception of nothing that there is not', () => {
    const ids = BEHAVIOURS.map(({ id }) => id)
    expect(Object.keys(subject.exceptions ?? {}).filter((id) => !ids.includes(id))).toEqual([])
  })
})

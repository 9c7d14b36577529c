/** The conformance kit asked of every adapter with its real client, and a hundred stops in the middle of a tool. */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { BEHAVIOURS } from '../../src/testing/behaviours.ts'
import { conformance, conformanceTable, type Row } from '../../src/testing/conformance.ts'
import { clientSubjects, ELSEWHERE } from './subjects.ts'

const STOPS = 25

const subjects = await clientSubjects()
const scratch = realpathSync(mkdtempSync(join(tmpdir(), 'millrace-conformance-')))
const asked = { scratch, elsewhere: ELSEWHERE }
const rows: Row[] = []
const figures: string[] = []
afterAll(() => {
  console.info([conformanceTable(rows), ...figures].join('\n'))
  for (const folder of [scratch, ELSEWHERE]) rmSync(folder, { recursive: true, force: true })
})

describe.each(subjects.map((subject) => [`${subject.name} with ${subject.client.title}`, subject] as const))(
  '%s',
  (_title, subject) => {
    const { available } = subject.client

    test.skipIf(!available).each(BEHAVIOURS.map(({ id, about }) => [about, id] as const))('%s', async (_about, id) => {
      const [row] = await conformance(subject, { ...asked, only: [id] })
      rows.push(row!)
      expect(row!.verdict === 'fails' ? row!.because : []).toEqual([])
      expect(subject.strays.splice(0), 'processes that only their HOME gives away').toEqual([])
    })

    test.skipIf(!available)(
      `is stopped ${STOPS} times in the middle of a tool, and leaves no process`,
      { timeout: 900_000 },
      async () => {
        const stops: Row[] = []
        for (let count = 0; count < STOPS; count++) {
          stops.push(...(await conformance(subject, { ...asked, only: ['stop_in_tool'] })))
        }
        const seconds = stops.map(({ stopSeconds }) => stopSeconds ?? Number.NaN).sort((a, b) => a - b)
        const left = stops.reduce((sum, row) => sum + row.left, subject.strays.length)
        const [median, worst] = [seconds[Math.floor(STOPS / 2)], seconds.at(-1)].map((value) => value?.toFixed(2))
        figures.push(
          `${subject.name}: ${STOPS} stops in a tool: ${left} processes left; median ${median} s, worst ${worst} s`,
        )
        expect(stops.flatMap((row) => row.because)).toEqual([])
        expect(subject.strays).toEqual([])
        expect(left).toBe(0)
      },
    )
  },
)

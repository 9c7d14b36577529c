import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ledgerLine, tokens } from '../../test/rig/ledger.ts'
import type { LedgerLine } from '../core/ledger.ts'
import { disk } from './files.ts'
import { AT, type Places, placesOf } from './layout.ts'
import { readLedger } from './ledger.ts'

let root: string
let places: Places
beforeEach(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-ledger-'))
  places = placesOf(root)
  fs.mkdirSync(places.at('state'), { recursive: true })
})
afterEach(() => fs.rmSync(root, { recursive: true, force: true }))

const line = (id: string, total = 1): string => JSON.stringify(ledgerLine(id, { token_usage: tokens(total) }))

const write = (text: string, file: string = AT.usageLedger) => fs.writeFileSync(places.at(file), text)
const read = (sinceMs = 0) => {
  const lines: LedgerLine[] = []
  const skipped = readLedger(disk, places, sinceMs, (one) => lines.push(one))
  return { ids: lines.map((one) => one.request_id), skipped }
}

describe('the usage ledger', () => {
  test('that is not there holds nothing', () => {
    expect(read()).toEqual({ ids: [], skipped: 0 })
  })

  test('is read in order, past its rotated parts, without the line that is still being written', () => {
    write(`${line('c')}\n${line('d').slice(0, 50)}`)
    write(`${line('b')}\n`, 'state/usage_governance_ledger.20260302T100000Z.10.jsonl')
    write(`${line('a')}\n`, 'state/usage_governance_ledger.20260302T100000Z.9.jsonl')
    write(`${line('x')}\n`, 'state/usage_governance_ledger.notes.jsonl')
    expect(read()).toEqual({ ids: ['a', 'b', 'c'], skipped: 0 })
  })

  test('leaves out a part that was put aside before what is asked for', () => {
    write(`${line('b')}\n`)
    write(`${line('a')}\n`, 'state/usage_governance_ledger.20260302T100000Z.9.jsonl')
    expect(read(Date.parse('2026-03-02T10:00:00.5Z')).ids).toEqual(['a', 'b'])
    expect(read(Date.parse('2026-03-02T10:00:01.5Z')).ids).toEqual(['b'])
  })

  test('counts a request once, also where a line was copied', () => {
    write(`${line('a', 5)}\n${line('b')}\n${line('a', 5)}\n`)
    expect(read().ids).toEqual(['a', 'b'])
  })

  test('passes over what is no record, and says how much that is', () => {
    const negative = line('n').replace('"output_tokens":0', '"output_tokens":-1')
    write(`{}\nnonsense\n${negative}\n${line('t').slice(0, -5)}\n${'x'.repeat(3_000_000)}\n${line('a')}\n`)
    expect(read()).toEqual({ ids: ['a'], skipped: 5 })
  })

  test('is read whole wherever its lines meet the ends of what is read at a time', () => {
    const ids = Array.from({ length: 4000 }, (_, index) => `request-${index}-${'é'.repeat(index % 60)}`)
    write(ids.map((id) => `${line(id)}\n`).join(''))
    expect(fs.statSync(places.at(AT.usageLedger)).size).toBeGreaterThan(2 * 1024 * 1024)
    expect(read()).toEqual({ ids, skipped: 0 })
  })
})

import * as fs from 'node:fs'
import * as path from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/agents/rig.ts'
import { disk } from '../store/files.ts'
import { growingFile, type Line, lineSplitter, readTail } from './lines.ts'

const folder = temporaryFolder()
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }))

function split(chunks: Uint8Array[], bytesMax?: number): Line[] {
  const lines: Line[] = []
  const splitter = lineSplitter((line) => lines.push(line), bytesMax)
  for (const chunk of chunks) splitter.push(chunk)
  splitter.end()
  return lines
}

describe('splitting bytes into lines', () => {
  it('gives the same lines however the bytes are cut', () => {
    const bytes = fc.array(fc.oneof(fc.constant(10), fc.integer({ min: 0, max: 255 })), { maxLength: 200 })
    fc.assert(
      fc.property(bytes, fc.array(fc.nat(200)), fc.integer({ min: 1, max: 20 }), (values, cuts, bytesMax) => {
        const whole = Uint8Array.from(values)
        const at = [0, ...cuts.filter((cut) => cut < whole.length).sort((a, b) => a - b), whole.length]
        const chunks = at.slice(1).map((end, index) => whole.slice(at[index], end))
        expect(split(chunks, bytesMax)).toEqual(split([whole], bytesMax))
      }),
    )
  })

  it('gives back any text when its lines are joined by line feeds', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const wellFormed = Buffer.from(text).toString()
        const lines = split([Buffer.from(wellFormed)]).map((line) => line.text)
        expect(lines.join('\n')).toBe(wellFormed.endsWith('\n') ? wellFormed.slice(0, -1) : wellFormed)
      }),
    )
  })

  it('splits at the line feed only, not at U+2028, U+2029, a carriage return or a form feed', () => {
    expect(split([Buffer.from('a\u2028b\u2029c\rd\fe\nf')]).map((line) => line.text)).toEqual([
      'a\u2028b\u2029c\rd\fe',
      'f',
    ])
  })

  it('cuts a line that is too long, says so, and goes on with the next', () => {
    expect(split([Buffer.from(`${'x'.repeat(30)}\nshort\n${'y'.repeat(10)}`)], 10)).toEqual([
      { text: 'x'.repeat(10), truncated: true },
      { text: 'short', truncated: false },
      { text: 'y'.repeat(10), truncated: false },
    ])
  })

  it('replaces what is not UTF-8 and keeps a byte order mark', () => {
    expect(split([Buffer.from([0xff, 0x41, 0x0a, 0xef, 0xbb, 0xbf, 0x42])]).map((line) => line.text)).toEqual([
      '\ufffdA',
      '\ufeffB',
    ])
  })

  it('does not keep the buffer it was given', () => {
    const lines: string[] = []
    const splitter = lineSplitter((line) => lines.push(line.text))
    const buffer = Buffer.from('abc')
    splitter.push(buffer)
    buffer.fill('z')
    splitter.push(Buffer.from('\n'))
    expect(lines).toEqual(['abc'])
  })
})

describe('following a growing file', () => {
  it('reads each addition once, within the budget of a read', () => {
    const file = path.join(folder, 'events')
    const lines: string[] = []
    const growing = growingFile(disk, file, (line) => lines.push(line.text))
    expect(growing.read(100)).toBe(false)
    fs.appendFileSync(file, 'one\ntw')
    expect(growing.read(100)).toBe(false)
    expect(lines).toEqual(['one'])
    fs.appendFileSync(file, 'o\nthree')
    expect(growing.read(1)).toBe(true)
    expect(lines).toEqual(['one'])
    expect(growing.read(100)).toBe(false)
    growing.end()
    expect(lines).toEqual(['one', 'two', 'three'])
  })
})

describe('reading the end of a file', () => {
  it('gives the last bytes and never begins inside a character', () => {
    const file = path.join(folder, 'message')
    fs.writeFileSync(file, 'aä🚂end')
    expect(readTail(disk, file, 100)).toBe('aä🚂end')
    for (const bytes of [4, 5, 6]) expect(readTail(disk, file, bytes)).toBe('end')
    expect(readTail(disk, file, 7)).toBe('🚂end')
    expect(readTail(disk, path.join(folder, 'none'), 7)).toBeNull()
  })
})

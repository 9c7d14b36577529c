import { zipSync } from 'fflate'
import { describe, expect, it } from 'vitest'
import { SKILL_BYTES_MAX, SKILL_FILES_MAX } from '../../core/skill.ts'
import { archiveOf, filesIn } from './archive.ts'

const bytes = (text: string) => Buffer.from(text)
const SKILL = { path: 'SKILL.md', bytes: bytes('# Craft') }
const read = (entries: Record<string, Uint8Array>) =>
  filesIn(zipSync(entries), 'a.zip').map(({ path, bytes }) => [path, Buffer.from(bytes).toString()])

describe('the archive of a skill', () => {
  it('gives back the files that were put in', () => {
    const files = [SKILL, { path: 'references/a.bin', bytes: Buffer.from([255, 0, 254]) }]
    const found = filesIn(archiveOf('craft', files), 'craft.zip')
    expect(found.map(({ path, bytes }) => [path, [...bytes]])).toEqual(files.map((one) => [one.path, [...one.bytes]]))
  })

  it('is the same bytes for the same files, wherever and whenever it is made', () => {
    const zone = process.env.TZ
    const made = ['UTC', 'Asia/Kathmandu', 'America/St_Johns'].map((TZ) => {
      process.env.TZ = TZ
      return Buffer.from(archiveOf('craft', [SKILL])).toString('hex')
    })
    if (zone === undefined) delete process.env.TZ
    else process.env.TZ = zone
    expect(new Set(made).size).toBe(1)
  })

  it('may have its files at the top or in one folder; what systems add is left out', () => {
    expect(read({ 'SKILL.md': SKILL.bytes, 'b.md': bytes('b') })).toEqual([
      ['SKILL.md', '# Craft'],
      ['b.md', 'b'],
    ])
    const mac = { 'x/SKILL.md': SKILL.bytes, '__MACOSX/x/._SKILL.md': bytes('?'), 'x/.DS_Store': bytes('?') }
    expect(read(mac)).toEqual([['SKILL.md', '# Craft']])
  })

  it.each([
    ['no skill', { 'a.md': bytes('a') }, 'a.zip holds no SKILL.md.'],
    ['two skills', { 'a/SKILL.md': bytes('a'), 'b/SKILL.md': bytes('b') }, 'a.zip holds more than one SKILL.md.'],
    [
      'files beside the folder',
      { 'a/SKILL.md': bytes('a'), 'b.md': bytes('b') },
      'a.zip does not have SKILL.md at its',
    ],
    ['a way out', { 'a/SKILL.md': bytes('a'), 'a/../../b': bytes('b') }, 'a.zip holds "a/../../b", which is no name'],
    ['an absolute path', { '/SKILL.md': bytes('a') }, 'a.zip holds "/SKILL.md", which is no name'],
    ['a backslash', { 'SKILL.md': bytes('a'), 'b\\c': bytes('b') }, 'a.zip holds "b\\\\c", which is no name'],
    ['folders too deep', { 'SKILL.md': bytes('a'), 'a/b/c/d/e/f/g': bytes('b') }, 'a.zip holds "a/b/c/d/e/f/g", which'],
  ])('with %s is refused', (_what, entries, message) => {
    expect(() => read(entries)).toThrow(
      expect.objectContaining({ code: 'asset_invalid', message: expect.stringContaining(message) }),
    )
  })

  it('is refused before it is unpacked where it would hold too much', () => {
    const large = { 'SKILL.md': Buffer.alloc(SKILL_BYTES_MAX + 1) }
    expect(() => read(large)).toThrow(`a.zip holds more than ${SKILL_BYTES_MAX} bytes.`)
    const many = Object.fromEntries(Array.from({ length: SKILL_FILES_MAX + 1 }, (_, at) => [`a${at}`, bytes('')]))
    expect(() => read(many)).toThrow(`a.zip holds more than ${SKILL_FILES_MAX} files.`)
  })

  it.each([
    ['stored', 0],
    ['deflated', 9],
  ] as const)('with a %s file whose bytes are not those it was made of is refused', (_how, level) => {
    const text = bytes('a line that is there\n'.repeat(20))
    const whole = Buffer.from(zipSync({ 'SKILL.md': SKILL.bytes, 'notes.md': [text, { level }] }))
    expect(filesIn(whole, 'a.zip')).toHaveLength(2)
    const at = whole.lastIndexOf('notes.md')
    expect(whole.readUInt32LE(at - 46)).toBe(0x02014b50)
    whole.writeUInt32LE(whole.readUInt32LE(at - 46 + 16) ^ 1, at - 46 + 16)
    const message = 'a.zip is damaged: "notes.md" is not what its checksum says.'
    expect(() => filesIn(whole, 'a.zip')).toThrow(expect.objectContaining({ code: 'asset_invalid', message }))
    if (level > 0) return
    const flipped = Buffer.from(zipSync({ 'SKILL.md': SKILL.bytes, 'notes.md': [text, { level }] }))
    flipped[flipped.indexOf('a line')] = 'A'.charCodeAt(0)
    expect(() => filesIn(flipped, 'a.zip')).toThrow(message)
  })

  it('with a comment at its end is read', () => {
    const whole = Buffer.from(archiveOf('craft', [SKILL]))
    whole.writeUInt16LE(5, whole.length - 2)
    expect(filesIn(Buffer.concat([whole, bytes('hello')]), 'a.zip')).toHaveLength(1)
  })

  it('that was cut short or is something else is refused in one sentence', () => {
    const whole = archiveOf('craft', [SKILL])
    for (const one of [whole.subarray(0, whole.length - 5), bytes('no zip'), new Uint8Array()])
      expect(() => filesIn(one, 'a.zip')).toThrow('a.zip is no zip file, or a damaged one.')
  })
})

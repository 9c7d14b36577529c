import { describe, expect, it } from 'vitest'
import { scan } from './options.ts'

describe('scanning a command line for its verb', () => {
  it('looks past options that every command has, and their values', () => {
    expect(scan(['--workspace', 'w', 'queue', '--set', 'a=b', 'ls', '--json'])).toMatchObject({
      words: ['queue', 'ls'],
      places: [2, 5],
      json: true,
    })
    expect(scan(['--workspace=w', '--no-color', 'status']).words).toEqual(['status'])
  })

  it('stops at an option it does not know, as that may have a value', () => {
    expect(scan(['status', 'watch', '--max-updates', '3'])).toMatchObject({
      words: ['status', 'watch'],
      stopped: '--max-updates',
    })
  })

  it('stops at a double dash', () => {
    expect(scan(['add-task', '--', '--json', 'status'])).toMatchObject({ words: ['add-task'], json: false })
  })

  it('takes a single dash for an argument', () => {
    expect(scan(['add-task', '-']).words).toEqual(['add-task', '-'])
  })

  it.each([[['status', '--json']], [['status', '--format', 'json']], [['--format=json', 'status']]])(
    'knows from %j that JSON is wanted, even if the rest is wrong',
    (argv) => {
      expect(scan(argv).json).toBe(true)
    },
  )

  it('knows the wish for help and for the version', () => {
    expect(scan(['queue', '-h']).help).toBe(true)
    expect(scan(['-V']).version).toBe(true)
  })

  it('knows early whether colours are wanted', () => {
    expect(scan(['status', '--no-color']).colour).toBe(false)
    expect(scan(['add-task', '--', '--no-color']).colour).toBe(true)
  })
})

import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { clock } from '../../../test/agents/rig.ts'
import { parseConfig } from '../../core/config.ts'
import { askRateLimits, rateLimitsIn } from './rate-limits.ts'

const AGENT = path.resolve(import.meta.dirname, '../../../test/agents/codex.mjs')
const NOW = new Date('2026-03-01T12:00:00Z')
const seconds = (iso: string) => Date.parse(iso) / 1000
const window = (usedPercent: unknown, windowDurationMins: unknown, resetsAt: unknown = null) => ({
  usedPercent,
  windowDurationMins,
  resetsAt,
})
const told = (primary: unknown, secondary: unknown = null) =>
  rateLimitsIn({ id: 2, result: { rateLimits: { primary, secondary } } }, NOW)

let folder: string
let answers: string
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-quota-'))
  answers = path.join(folder, 'answers.json')
})
afterEach(() => fs.rmSync(folder, { recursive: true }))

const asked = (changes: object = {}, signal = new AbortController().signal) =>
  askRateLimits(
    {
      ...parseConfig({}, 'test').runners.codex,
      command: process.execPath,
      args: [AGENT, 'exec', '--oss'],
      env: { FAKE_RATE_LIMITS: answers },
      ...changes,
    },
    { clock, environment: { PATH: process.env.PATH }, workspaceRoot: folder },
    signal,
  )
const answering = (answer: object) => fs.writeFileSync(answers, JSON.stringify(answer))

describe('asking Codex what is used of its account', () => {
  it('introduces itself, asks, and gives the windows by their length', async () => {
    const limits = { primary: window(7, 10_080, seconds('2026-03-05T00:00:00Z')), secondary: window(42.5, 299) }
    answering({ result: { rateLimits: { primary: null }, rateLimitsByLimitId: { codex: limits } } })
    expect(await asked()).toEqual({
      windows: {
        weekly: { percent_used: 7, resets_at: '2026-03-05T00:00:00.000Z' },
        five_hour: { percent_used: 42.5, resets_at: null },
      },
    })
    expect(fs.readFileSync(`${answers}.log`, 'utf8')).toBe('initialize\ninitialized\naccount/rateLimits/read\n')
  })

  it('tells what Codex refuses it for', async () => {
    answering({ error: { code: -32600, message: 'chatgpt authentication required to read rate limits' } })
    expect(await asked()).toEqual({ problem: 'chatgpt authentication required to read rate limits' })
  })

  it.each([
    ['ends at once', { mode: 'dies' }, /status 3: cannot open the login/],
    ['floods its output', { mode: 'flood' }, /printed more than/],
    ['tells something else', { result: { rateLimits: 7 } }, /holds no rate limits/],
  ])('tells why there is no answer of one that %s', async (_what, answer, problem) => {
    answering(answer)
    expect(await asked()).toEqual({ problem: expect.stringMatching(problem) })
  })

  it('gives up one that does not answer once that is not wanted any more, and leaves no process', async () => {
    answering({ mode: 'deaf' })
    const ending = new AbortController()
    const answer = asked({}, ending.signal)
    const isAsked = () => fs.existsSync(`${answers}.log`) && fs.readFileSync(`${answers}.log`, 'utf8').includes('read')
    while (!isAsked()) await new Promise((resolve) => setTimeout(resolve, 20))
    ending.abort()
    expect(await answer).toEqual({ problem: 'the runtime ended' })
    const isThere = () =>
      fs.readdirSync('/proc').some((pid) => {
        try {
          return fs.readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`FAKE_RATE_LIMITS=${answers}`)
        } catch {
          return false
        }
      })
    const untilMs = performance.now() + 10_000
    while (isThere() && performance.now() < untilMs) await new Promise((resolve) => setTimeout(resolve, 50))
    expect(isThere()).toBe(false)
  })

  it('tells of a program that is not there, or that cannot be started', async () => {
    expect(await asked({ command: 'no-codex' })).toEqual({ problem: 'no-codex was not found or may not be executed' })
    expect(await asked({ args: ['a\0b'] })).toEqual({ problem: expect.stringMatching(/null bytes/) })
  })
})

describe('the rate limits of an answer', () => {
  const fiveHour = { percent_used: 1, resets_at: null }

  it('are known by their length, and by their place where none is told', () => {
    expect(told(window(1, 300), window(2, 10_080))).toMatchObject({
      windows: { five_hour: { percent_used: 1 }, weekly: { percent_used: 2 } },
    })
    expect(told(window(1, 10_079))).toEqual({ windows: { weekly: fiveHour } })
    expect(told(window(1, null), window(2, undefined))).toMatchObject({
      windows: { five_hour: { percent_used: 1 }, weekly: { percent_used: 2 } },
    })
  })

  it('are left out where they are of another length, or hold no percentage', () => {
    expect(told(window(1, 43_200), window('much', 300))).toEqual({ windows: {} })
    expect(told(window(-1, 300), window(Number.NaN, 10_080))).toEqual({ windows: {} })
  })

  it('have a time only if it can be one', () => {
    const resets = (at: unknown) => told(window(1, 300, at))
    expect(resets(seconds('2026-03-01T15:00:00Z'))).toEqual({
      windows: { five_hour: { percent_used: 1, resets_at: '2026-03-01T15:00:00.000Z' } },
    })
    for (const wrong of [null, 'soon', -1, 1e18, seconds('2027-03-01T15:00:00Z')])
      expect(resets(wrong)).toEqual({ windows: { five_hour: fiveHour } })
  })
})

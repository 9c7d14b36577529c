/** What the real Codex tells of the ChatGPT account it is logged in with, against a loopback backend with a made-up login. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { parseConfig } from '../../src/core/config.ts'
import { systemClock } from '../../src/engine/clock.ts'
import { askRateLimits } from '../../src/runners/codex/rate-limits.ts'
import { CODEX, resolveClient } from './install.ts'

const codex = await resolveClient(CODEX)
const RESET_SECONDS = Math.round(Date.now() / 1000) + 7200

let folder: string
let server: Server
let asked: string[]
let refused = 0
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'codex-account-'))
  asked = []
  refused = 0
  server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    response.setHeader('content-type', 'application/json')
    response.statusCode = request.url!.endsWith('/wham/usage') ? refused || 200 : 404
    response.end(JSON.stringify(response.statusCode === 200 ? USAGE : {}))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterEach(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
})

const limit = (used_percent: number, limit_window_seconds: number) => ({
  used_percent,
  limit_window_seconds,
  reset_after_seconds: 7200,
  reset_at: RESET_SECONDS,
})
const USAGE = {
  plan_type: 'plus',
  rate_limit: {
    allowed: true,
    limit_reached: false,
    primary_window: limit(42, 18_000),
    secondary_window: limit(7, 604_800),
  },
}

/** A token that says who has it and is signed by nobody. */
function madeUpToken(): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const account = { chatgpt_plan_type: 'plus', chatgpt_user_id: 'user', chatgpt_account_id: 'account' }
  const claims = { email: 'nobody@example.com', exp: RESET_SECONDS + 86_400, 'https://api.openai.com/auth': account }
  return [part({ alg: 'none', typ: 'JWT' }), part(claims), 'c2lnbmF0dXJl'].join('.')
}

async function tell(login: object | null) {
  const home = join(folder, '.codex')
  mkdirSync(home)
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/backend-api`
  writeFileSync(join(home, 'config.toml'), `chatgpt_base_url = ${JSON.stringify(url)}\n`)
  if (login !== null) writeFileSync(join(home, 'auth.json'), JSON.stringify(login))
  const { runners } = parseConfig({ runners: { codex: { command: codex.available ? codex.command : '' } } }, 'test')
  const environment = { PATH: process.env.PATH, HOME: folder, CODEX_HOME: home }
  const ports = { clock: systemClock, environment, workspaceRoot: folder }
  return askRateLimits(runners.codex, ports, new AbortController().signal)
}

const withChatGpt = () => {
  const token = madeUpToken()
  const tokens = { id_token: token, access_token: token, refresh_token: 'made-up', account_id: 'account' }
  return { auth_mode: 'chatgpt', OPENAI_API_KEY: null, tokens, last_refresh: new Date().toISOString() }
}

describe.skipIf(!codex.available)(`${codex.title} asked for its account`, () => {
  test('tells what is used of each window, and when it begins anew', async () => {
    const resets_at = new Date(RESET_SECONDS * 1000).toISOString()
    expect(await tell(withChatGpt())).toEqual({
      windows: { five_hour: { percent_used: 42, resets_at }, weekly: { percent_used: 7, resets_at } },
    })
    expect(asked).toContain('GET /backend-api/wham/usage')
  })

  test('tells that the backend refuses it', async () => {
    refused = 503
    expect(await tell(withChatGpt())).toEqual({ problem: expect.stringContaining('503') })
  })

  test('tells that a key is no subscription, and that nobody is logged in', async () => {
    expect(await tell({ OPENAI_API_KEY: 'sk-made-up' })).toEqual({
      problem: expect.stringContaining('authentication required'),
    })
    rmSync(join(folder, '.codex'), { recursive: true })
    expect(await tell(null)).toEqual({ problem: expect.stringContaining('authentication required') })
  })
})

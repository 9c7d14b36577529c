import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { clock } from '../../test/agents/rig.ts'
import { Receiver } from '../../test/rig/receiver.ts'
import { postWith } from './post.ts'

const post = postWith(clock)
const options = { headers: { 'x-own': 'yes' }, body: '{"a":1}', timeoutMs: 5000, signal: new AbortController().signal }

let receivers: Receiver[] = []
afterEach(async () => {
  for (const receiver of receivers) await receiver.stop()
  receivers = []
})
async function started(...given: Parameters<typeof Receiver.start>): Promise<Receiver> {
  const receiver = await Receiver.start(...given)
  receivers.push(receiver)
  return receiver
}

describe('posting', () => {
  it('sends body and headers once and gives what was answered', async () => {
    const receiver = await started(() => 503)
    expect(await post(receiver.url, options)).toEqual({ status: 503, answer: 'no, 503' })
    expect(receiver.received).toMatchObject([
      { method: 'POST', path: '/told', headers: { 'x-own': 'yes' }, body: { a: 1 } },
    ])
  })

  it('follows no redirect', async () => {
    const other = await started()
    const receiver = await started(() => ({ status: 307, headers: { location: other.url } }))
    expect(await post(receiver.url, options)).toMatchObject({ status: 307 })
    expect(other.received).toEqual([])
  })

  it('speaks TLS where the address says so', async () => {
    const receiver = await started()
    const { problem } = (await post(receiver.url.replace('http:', 'https:'), options)) as { problem: string }
    expect(problem).toMatch(/EPROTO|SSL/)
    expect(receiver.received).toEqual([])
  })

  it('waits for an answer no longer than it may', async () => {
    const receiver = await started(() => 'nothing')
    const begun = performance.now()
    const result = await post(receiver.url, { ...options, timeoutMs: 200 })
    expect(result).toEqual({ status: null, problem: 'it did not answer within 0.2 s' })
    expect(performance.now() - begun).toBeLessThan(2000)
  })

  it('gives up at once when told to, before or while it waits', async () => {
    const receiver = await started(() => 'nothing')
    const ending = new AbortController()
    const result = post(receiver.url, { ...options, signal: ending.signal })
    ending.abort()
    expect(await result).toEqual({ status: null, problem: 'it was not waited for any longer' })
    expect(await post(receiver.url, { ...options, signal: ending.signal })).toMatchObject({ status: null })
  })

  it('says why nobody could be reached', async () => {
    const receiver = await Receiver.start()
    const { url } = receiver
    await receiver.stop()
    expect(await post(url, options)).toEqual({ status: null, problem: 'ECONNREFUSED' })
  })

  it('sends to a port that browsers would not, and says what a header must not hold', async () => {
    expect(await post('http://127.0.0.1:9/', options)).toEqual({ status: null, problem: 'ECONNREFUSED' })
    const odd = { ...options, headers: { authorization: 'a\nb' } }
    expect(await post('http://127.0.0.1:9/', odd)).toEqual({ status: null, problem: 'ERR_INVALID_CHAR' })
  })

  it('says so where the answer is cut off', async () => {
    const server = http.createServer((request, response) => {
      response.writeHead(200, { 'content-length': 100 }).write('half')
      setTimeout(() => request.socket.destroy(), 50)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const result = await post(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, options)
    server.close()
    expect(result).toEqual({ status: null, problem: 'ECONNRESET' })
  })

  it('reads only the beginning of an endless answer', async () => {
    const server = http.createServer((_request, response) => {
      const timer = setInterval(() => response.write('x'.repeat(2000)), 1)
      response.on('close', () => clearInterval(timer))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const result = await post(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, options)
    server.closeAllConnections()
    server.close()
    expect(result).toEqual({ status: 200, answer: 'x'.repeat(4096) })
  })
})

import { afterEach, describe, expect, test } from 'vitest'
import { type ModelServer, startModelServer } from './model-server.ts'
import { responsesApi } from './responses-api.ts'
import type { Script } from './script.ts'

const servers: ModelServer[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
})

async function serve(script: Script): Promise<ModelServer> {
  const server = await startModelServer(script, [responsesApi])
  servers.push(server)
  return server
}

const user = (text: string) => ({ type: 'message', role: 'user', content: [{ type: 'input_text', text }] })
const output = (text: string) => ({ type: 'function_call_output', call_id: 'c', output: text })
const SHELL = { type: 'function', name: 'exec_command' }

function ask(server: ModelServer, input: object[], tools: object[] = [SHELL]): Promise<Response> {
  return fetch(`${server.url}/v1/responses`, {
    method: 'POST',
    body: JSON.stringify({ model: 'm', stream: true, input, tools }),
  })
}

async function lastEvent(
  response: Response,
): Promise<{ type: string; response: { output: { type: string; content: { text: string }[] }[] } }> {
  return JSON.parse((await response.text()).trim().split('\ndata: ').at(-1)!)
}

async function finalText(response: Response): Promise<string | undefined> {
  return (await lastEvent(response)).response.output[0]?.content[0]?.text
}

describe('the scripted model server', () => {
  test('answers the turn of the stage in the prompt, at the number of tool results in the request', async () => {
    const server = await serve({
      builder: [
        { turn: 'shell', command: 'true' },
        { turn: 'text', text: (outputs) => `saw ${outputs.join('+')}` },
      ],
      checker: [{ turn: 'text', text: 'checked' }],
    })
    const builder = user('Request ID: r1\nStage Kind ID: builder\n')
    const checker = user('Request ID: r2\nStage Kind ID: checker\n')
    const first = await lastEvent(await ask(server, [builder]))
    expect(first.response.output.map((item) => item.type)).toEqual(['function_call'])
    expect(await finalText(await ask(server, [checker]))).toBe('checked')
    expect(await finalText(await ask(server, [builder, output('one')]))).toBe('saw one')
    expect(server.log.map((entry) => [entry.stage, entry.requestId, entry.step, entry.sent])).toEqual([
      ['builder', 'r1', 0, 'shell'],
      ['checker', 'r2', 0, 'text'],
      ['builder', 'r1', 1, 'text'],
    ])
  })

  test('begins to count again at the last prompt of a resumed thread', async () => {
    const server = await serve({
      builder: [{ turn: 'text', text: 'first' }],
      fixer: [{ turn: 'text', text: 'second' }],
    })
    const thread = [user('Stage Kind ID: builder'), output('old'), user('Stage Kind ID: fixer')]
    expect(await finalText(await ask(server, thread))).toBe('second')
  })

  test('repeats the same turn for a retry, and goes on only within a sequence', async () => {
    const server = await serve({
      builder: [
        {
          turn: 'in_sequence',
          turns: [
            { turn: 'http_error', status: 429, headers: { 'retry-after': '1' } },
            { turn: 'text', text: 'well' },
          ],
        },
      ],
      checker: [{ turn: 'http_error', status: 500 }],
    })
    const refused = await ask(server, [user('Stage Kind ID: builder')])
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1'])
    expect(await finalText(await ask(server, [user('Stage Kind ID: builder')]))).toBe('well')
    for (let attempt = 0; attempt < 3; attempt++) {
      expect((await ask(server, [user('Stage Kind ID: checker')])).status).toBe(500)
    }
  })

  test('refuses a prompt the script does not know with a sentence, and says so in its log', async () => {
    const server = await serve({ builder: [{ turn: 'text', text: 'x' }] })
    const unknown = await ask(server, [user('Stage Kind ID: painter')])
    expect(unknown.status).toBe(400)
    expect(await unknown.text()).toContain('no turns for stage painter')
    expect((await ask(server, [user('Stage Kind ID: builder'), output('a'), output('b')])).status).toBe(400)
    expect(server.log.map((entry) => entry.sent)).toEqual(['refused', 'refused'])
  })

  test('refuses a shell turn if the client offers no shell tool it knows', async () => {
    const server = await serve({ builder: [{ turn: 'shell', command: 'true' }] })
    const response = await ask(server, [user('Stage Kind ID: builder')], [{ type: 'function', name: 'paint' }])
    expect(await response.text()).toContain('only: paint')
  })

  test('answers a request without tools with a short text that does not count', async () => {
    const server = await serve({})
    expect(await finalText(await ask(server, [user('a title, please')], []))).toBe('Done.')
    expect(server.log[0]?.sent).toBe('side')
  })

  test('knows no other routes', async () => {
    const server = await serve({})
    expect((await fetch(`${server.url}/v1/models`)).status).toBe(404)
  })

  test('closes at once while an answer hangs, and twice does no harm', async () => {
    const server = await serve({ builder: [{ turn: 'hang' }] })
    const response = await ask(server, [user('Stage Kind ID: builder')])
    const rest = response.text().then(
      () => 'ended',
      () => 'cut',
    )
    const began = performance.now()
    await server.close()
    await server.close()
    expect(await rest).toBe('cut')
    expect(performance.now() - began).toBeLessThan(1000)
  })
})

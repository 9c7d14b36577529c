import { describe, expect, test } from 'vitest'
import { messagesApi } from './messages-api.ts'
import { DEFAULT_USAGE } from './script.ts'

const user = (...content: object[]) => ({ role: 'user', content })
const text = (text: string) => ({ type: 'text', text })
const output = (content: unknown) => ({ type: 'tool_result', tool_use_id: 'toolu_1', content })
const read = (...messages: object[]) =>
  messagesApi.read({ model: 'm', messages, tools: [{ name: 'Bash' }] }, '/v1/messages')

describe('the Messages API of the scripted model', () => {
  test('finds the prompt among what the client adds, and counts the outputs since the last one', () => {
    const prompt = text('Stage Kind ID: builder')
    expect(read(user(text('<system-reminder>x'), prompt), user(output('one')), user(text('go on')))).toEqual({
      model: 'm',
      promptText: 'Stage Kind ID: builder',
      toolOutputs: ['one'],
      toolNames: ['Bash'],
    })
    const resumed = read(user(prompt), user(output('old')), { role: 'user', content: 'Stage Kind ID: fixer' })
    expect(resumed).toMatchObject({ promptText: 'Stage Kind ID: fixer', toolOutputs: [] })
  })

  test('takes the output of a tool without the notes the client hangs on it', () => {
    const noted = 'done\n\n<system-reminder>\nThe task tools\nhave not been used.\n</system-reminder>\n'
    expect(read(user(text('p')), user(output(noted), output([text('two')]))).toolOutputs).toEqual(['done', 'two'])
  })

  test('tells cached input apart, at the start and at the end', () => {
    const usageIn = (frames: string) => JSON.parse(/"usage":(\{[^}]*\})/.exec(frames)?.[1] ?? 'null')
    const input = { input_tokens: 80, cache_read_input_tokens: 20, cache_creation_input_tokens: 0 }
    expect(usageIn(messagesApi.opening('a', DEFAULT_USAGE))).toEqual({ ...input, output_tokens: 1 })
    const answer = messagesApi.answer('a', { text: '### DONE', usage: DEFAULT_USAGE })
    expect(usageIn(answer)).toEqual({ ...input, output_tokens: 10 })
  })
})

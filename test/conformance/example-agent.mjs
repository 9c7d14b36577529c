// The program that the example adapter drives: plays the turns of the file EXAMPLE_TURNS, whatever the prompt says.
import { readFileSync } from 'node:fs'
import { play } from '../agents/turns.mjs'

const print = (type, members) => void process.stdout.write(`${JSON.stringify({ type, ...members })}\n`)
const failed = (text) => {
  print('error', { text })
  process.exitCode = 1
}

if (process.argv.includes('--version')) {
  process.stdout.write('example-agent 1.0\n')
} else {
  readFileSync(0)
  print('session', { id: 'session-1' })
  process.stdout.write('a line that is no event\n')
  await play(JSON.parse(readFileSync(process.env.EXAMPLE_TURNS, 'utf8')), {
    said: (text) => print('message', { text }),
    toolStarted: (text) => print('tool', { text }),
    toolEnded: (_command, { output }) => print('tool_result', { output }),
    final(text) {
      print('message', { text })
      print('usage', { input: 100, cached: 20, output: 10 })
    },
    retrying: (status) => print('retry', { text: `status ${status}` }),
    refused: ({ status, body }) =>
      failed(body ?? `status ${status} ${status === 401 ? 'Unauthorized' : 'Too Many Requests'}`),
    broken: () => failed('stream closed before it was complete'),
  })
}

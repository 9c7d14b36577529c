// Imitates a `codex exec --json` that is seen doing one thing only, named by POSE, until it is ended (a minute at most):
// `still` nothing, `work` uses processor time, `tool` has a tool open, `think` tells of reasoning, `talk` of messages,
// `write` changes a file. It says hello first, so that a test knows it is there.
import { readFileSync, writeFileSync } from 'node:fs'

const ENDS_MS = Date.now() + 60_000
const event = (value) => process.stdout.write(`${JSON.stringify(value)}\n`)
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

const POSES = {
  still: () => wait(200),
  async work() {
    for (const until = Date.now() + 150; Date.now() < until; ) Math.sqrt(Math.random())
    await wait(50)
  },
  tool: () => wait(200),
  async think() {
    event({ type: 'item.completed', item: { id: `item_${Date.now()}`, type: 'reasoning', text: 'Still thinking.' } })
    await wait(100)
  },
  async talk() {
    event({ type: 'item.completed', item: { id: `item_${Date.now()}`, type: 'agent_message', text: 'Going on.' } })
    await wait(100)
  },
  async write() {
    writeFileSync('written.txt', `${Date.now()}\n`)
    await wait(100)
  },
}

readFileSync(0, 'utf8')
event({ type: 'thread.started', thread_id: 'thread-7' })
event({ type: 'turn.started' })
const pose = process.env.POSE ?? 'still'
if (pose === 'tool')
  event({
    type: 'item.started',
    item: { id: 'item_1', type: 'command_execution', command: 'npm test', status: 'in_progress' },
  })
while (Date.now() < ENDS_MS) await POSES[pose]()

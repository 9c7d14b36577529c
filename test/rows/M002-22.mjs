import assert from 'node:assert/strict'
import { run, succeeded } from './parts/commands.mjs'
import { commandsOn, page, verbs } from './parts/pages.mjs'

const TOPICS = [
  'operator-guide',
  'advisor',
  'arbiter-and-completion',
  'compiler-and-frozen-plans',
  'runners',
  'daemon',
  'usage',
]

export const row = {
  id: 'M002-22',
  says: 'Operator guide, advisor page and deep dives are shipped, and every command they name is one of the installed command.',

  async run() {
    const named = []
    for (const topic of TOPICS) {
      const found = commandsOn(await page(topic))
      if (topic === 'operator-guide') assert.ok(found.length > 40, 'the guide names commands')
      named.push(...found)
    }
    const canonical = await verbs()
    const wanted = new Map()
    for (const command of named) {
      const verb = verbIn(command, canonical)
      wanted.set(verb, [...(wanted.get(verb) ?? []), ...command.split(' ').filter((word) => word.startsWith('--'))])
    }
    assert.ok(wanted.size > 25, `only ${wanted.size} verbs are named`)
    const waiting = [...wanted]
    const worker = async () => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await offers(...next)
    }
    await Promise.all([worker(), worker(), worker()])
  },
}

/** The longest beginning of a command line that is a verb; else its first word, an alias. */
function verbIn(command, canonical) {
  const words = command.split(/\s+/).filter((word) => !word.startsWith('-'))
  const long = [3, 2].map((count) => words.slice(0, count).join(' ')).find((verb) => canonical.includes(verb))
  return long ?? words[0]
}

async function offers(verb, options) {
  const { stdout } = succeeded(await run('millrace', [...verb.split(' '), '--help']), `millrace ${verb} --help`)
  for (const option of options) assert.ok(stdout.includes(option.split('=')[0]), `millrace ${verb} has no ${option}`)
}

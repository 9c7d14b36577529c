// A plain program for the `command` runner: reads the prompt, plays the turns, prints text.
import { readFileSync } from 'node:fs'
import { play, turnsGiven } from './turns.mjs'

readFileSync(0)
const print = (text) => void process.stdout.write(`${text}\n`)
const failed = (text) => {
  process.stderr.write(`${text}\n`)
  process.exitCode = 1
}
await play(turnsGiven(), {
  said: print,
  toolStarted: (command) => print(`$ ${command}`),
  toolEnded: (_command, { output }) => print(output),
  final: print,
  retrying: (status) => print(`status ${status}, trying again`),
  refused: ({ status }) => failed(`status ${status}`),
  broken: () => failed('the connection was closed'),
})

/**
 * Kills the command before its nth call (DIE_AT) among those that change the disk and match DIE_ON, a
 * pattern on `<function> <first argument>`. What it prints is no disk.
 */
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

const CHANGING = [
  ...['writeFileSync', 'appendFileSync', 'writeSync', 'writevSync', 'renameSync', 'linkSync', 'unlinkSync'],
  ...['mkdirSync', 'rmdirSync', 'rmSync', 'truncateSync', 'ftruncateSync', 'copyFileSync'],
]
const dieAt = Number(process.env.DIE_AT)
const dieOn = new RegExp(process.env.DIE_ON)
let calls = 0
/** Some of these are made of others; the outermost counts. */
let within = false

for (const name of CHANGING) {
  const real = fs[name]
  fs[name] = (...given) => {
    if (within || given[0] === 1 || given[0] === 2) return real(...given)
    if (dieOn.test(`${name} ${given[0]}`)) calls += 1
    if (calls === dieAt) process.kill(process.pid, 'SIGKILL')
    within = true
    try {
      return real(...given)
    } finally {
      within = false
    }
  }
}
syncBuiltinESMExports()

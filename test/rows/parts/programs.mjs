/** Programs of a row's own on the PATH, before all others. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'

/** Puts a program of this name there that is this shell script; gives its folder. */
export function program(name, script) {
  const folder = path.resolve('bin')
  const file = path.join(folder, name)
  mkdirSync(folder, { recursive: true })
  writeFileSync(file, `#!/bin/sh\n${script}\n`)
  chmodSync(file, 0o755)
  if (!process.env.PATH.startsWith(`${folder}:`)) process.env.PATH = `${folder}:${process.env.PATH}`
  return folder
}

/** From now on the programs of the system are not found: one of them may be the harness itself. */
export function hideSystemPrograms() {
  process.env.PATH = process.env.PATH.split(':')
    .filter((folder) => !['/usr/bin', '/bin'].includes(folder))
    .join(':')
}

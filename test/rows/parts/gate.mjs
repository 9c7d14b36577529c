/** Stages that wait until the row lets them go on: a step of the scripted agent, and the file it waits for. */
import { existsSync, writeFileSync } from 'node:fs'
import { eventually } from './commands.mjs'

/** A step that is over once the gate has been opened. Gates lie beside the project, in the row's own folder. */
export const waitAt = (name) => ({
  run: {
    command: `: > "{workspace}/../${name}.reached"; until [ -e "{workspace}/../${name}.gate" ]; do sleep 0.02; done`,
  },
})

/** Waits until an agent stands at the gate. */
export const reached = (name) => eventually(`an agent waits at ${name}`, () => existsSync(`${name}.reached`))

export const open = (name) => writeFileSync(`${name}.gate`, '')

/** Modules that are loaded into a command before its own: variables for its environment. */
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

const loading = (name) => {
  const file = path.join(import.meta.dirname, 'preloads', name)
  return { NODE_OPTIONS: `--import=${pathToFileURL(file).href}` }
}

/** It has no network. `tried()` says what would have left the process all the same, a line each. */
export function noNetwork() {
  const log = path.resolve('network.log')
  return {
    env: { ...loading('no-network.mjs'), NO_NETWORK_LOG: log },
    tried: () => (existsSync(log) ? readFileSync(log, 'utf8') : ''),
  }
}

/** It is killed before its nth call, from 1, that changes the disk and matches the pattern on `<function> <path>`. */
export const dieAt = (nth, pattern) => ({ ...loading('die-at.mjs'), DIE_AT: String(nth), DIE_ON: pattern })

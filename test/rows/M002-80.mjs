import assert from 'node:assert/strict'
import { run, succeeded } from './parts/commands.mjs'

const help = async (verb) => succeeded(await run('millrace', [verb, '--help']), verb).stdout.replace(/\s+/g, ' ')

export const row = {
  id: 'M002-80',
  says: 'The help tells `upgrade`, which keeps what was edited, from `init --force`, which puts it back.',

  async run() {
    const init = await help('init')
    assert.match(init, /--force[^.]*back to what the package has, edited or not/)
    assert.match(init, /To bring a workspace up to a newer package and keep what was edited, use `millrace upgrade`/)
    const upgrade = await help('upgrade')
    assert.match(upgrade, /What was edited is kept/)
    assert.match(upgrade, /millrace\.toml is never rewritten/)
    assert.match(upgrade, /To put edited files back to what the package has, use `millrace init --force`/)
  },
}

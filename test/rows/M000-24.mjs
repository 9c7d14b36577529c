import assert from 'node:assert/strict'
import { run, succeeded } from './parts/commands.mjs'
import { namesIn, page, verbs } from './parts/pages.mjs'

/** Overview, architecture, install, commands, modes and loops, runners, arbiter, comparison, questions, words. */
const TOPICS = [
  'what-it-is',
  'architecture',
  'install',
  'runners',
  'arbiter-and-completion',
  'comparison',
  'faq',
  'glossary',
]

export const row = {
  id: 'M000-24',
  says: 'The reference pages are there, and say of commands, modes, loops and stages what the installed command says.',

  async run() {
    for (const topic of TOPICS) await page(topic)

    const headings = [...(await page('cli')).matchAll(/^## millrace (.+)$/gm)].map(([, name]) => name)
    assert.deepEqual([...headings].sort(), (await verbs()).sort())

    const loops = await page('modes-and-loops')
    for (const [list, id] of [
      ['modes', 'mode_id'],
      ['loops', 'loop_id'],
      ['stages', 'stage_kind_id'],
    ]) {
      const shown = succeeded(await run('millrace', [list, '--json']), `millrace ${list}`).json[list]
      assert.ok(shown.length > 1, `there are no ${list}`)
      for (const one of shown) assert.ok(loops.includes(`\`${one[id]}\``), `${one[id]} is not on the page`)
    }
    const modes = succeeded(await run('millrace', ['modes', '--json']), 'millrace modes').json.modes
    assert.deepEqual(
      namesIn(loops.split('## Modes')[1].split('Work is taken')[0]).sort(),
      modes.map(({ mode_id }) => mode_id).sort(),
    )
  },
}

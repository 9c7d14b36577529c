import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { blocksOf } from './parts/document-commands.mjs'
import { newWorkspace } from './parts/workspace.mjs'

const SKILLS = ['millrace-ops-agent-manual', 'millrace-loop-authoring', 'millrace-autonomous-delegation']

export const row = {
  id: 'M001-23',
  says: 'The skills for agents that operate it and write loops come with it, can be installed, and are named where an agent looks first.',

  async run() {
    const installed = process.env.ROWS_PACKAGE
    const workspace = await newWorkspace()
    const readme = readFileSync(path.join(installed, 'README.md'), 'utf8')
    const [forAgents] = readme.split('\n').filter((line) => line.startsWith('> '))
    assert.match(forAgents, /^> Agents: read .*docs\/skills\//)
    for (const id of SKILLS) {
      const folder = path.join(installed, 'docs/skills', id)
      const text = readFileSync(path.join(folder, 'SKILL.md'), 'utf8')
      assert.ok(readme.includes(`docs/skills/${id}/SKILL.md`), `the README does not name ${id}`)
      assert.ok(text.split(/\s+/).length > 600, `${id} says next to nothing`)
      const commands = blocksOf(path.join(folder, 'SKILL.md')).flatMap((block) => block.commands)
      assert.ok(commands.filter((one) => one.text.startsWith('millrace ')).length > 10, `${id} has hardly any command`)

      // It is a skill as the product takes them, and can be given to stages.
      await workspace.ok('skills', 'install', folder)
      const shown = await workspace.json('skills', 'show', id, '--text')
      assert.equal(shown.text, text)
      assert.equal(shown.problem, null)
      assert.ok(shown.description.includes('Use it when'), `${id} does not say when to use it`)
    }
    const { found } = await workspace.json('skills', 'search', 'compile', 'graph', 'terminal')
    assert.equal(found[0].skill_id, 'millrace-loop-authoring')
  },
}

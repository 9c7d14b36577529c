import assert from 'node:assert/strict'
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { eventually } from './parts/commands.mjs'
import { newWorkspace } from './parts/workspace.mjs'

const ROOTS = ['tasks_queue', 'specs_queue', 'ideas_inbox', 'mailbox', 'config', 'stop_files']

export const row = {
  id: 'M002-142',
  says: 'What a daemon watches is said by watchers.roots: of a root that is taken out nothing is noticed.',

  async run() {
    const workspace = await newWorkspace()
    mkdirSync(path.join(workspace.root, 'ideas/inbox'), { recursive: true })
    const told = (type) => workspace.events(type).length
    const idea = (name) =>
      writeFileSync(path.join(workspace.root, `ideas/inbox/${name}.md`), `# The idea ${name}\n\nDo it.\n`)
    const watch = (roots) =>
      workspace.ok('config', 'set', 'watchers.roots', `[${roots.map((root) => `"${root}"`).join(', ')}]`)
    /** Whatever was touched before this task is done has been looked at by then, if it is looked at. */
    const pass = async (id) => {
      await workspace.add('task', id)
      await eventually(`${id} is done`, () => workspace.has(`tasks/done/${id}.md`))
    }

    await watch(ROOTS.filter((root) => root !== 'ideas_inbox'))
    const daemon = await workspace.daemon()
    idea('one')
    await pass('first')
    await pass('second')
    assert.equal(told('idea_normalized_to_spec'), 0)

    await watch(ROOTS)
    await eventually('the idea is taken', () => told('idea_normalized_to_spec') === 1)

    await watch(ROOTS.filter((root) => root !== 'stop_files' && root !== 'config'))
    const reloads = told('runtime_config_reloaded')
    const stop = workspace.path('STOP_AUTONOMY')
    writeFileSync(stop, '')
    appendFileSync(workspace.path('millrace.toml'), '\n[recovery]\nmax_fix_cycles = 7\n')
    await pass('third')
    await pass('fourth')
    assert.equal(told('runtime_stopped'), 0)
    assert.equal(told('runtime_config_reloaded'), reloads)
    rmSync(stop)
    await workspace.ok('stop')
    await daemon.ended

    // A root that there is not is refused, and those there are are named.
    const refused = await workspace.millrace('config', 'set', 'watchers.roots', '["ideas"]')
    assert.notEqual(refused.code, 0)
    assert.match(refused.stderr, /ideas_inbox/)
  },
}

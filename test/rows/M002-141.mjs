import assert from 'node:assert/strict'
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { eventually } from './parts/commands.mjs'
import { documentText } from './parts/documents.mjs'
import { newWorkspace } from './parts/workspace.mjs'

export const row = {
  id: 'M002-141',
  says: 'A daemon notices a document in the backlog, a stop file, an idea, a command and a changed config by itself.',

  async run() {
    // Nothing but being told of a change wakes it: it would look by itself every ten minutes.
    const workspace = await newWorkspace({ config: '' })
    await workspace.ok('config', 'set', 'runtime.idle_sleep_seconds', '600')
    mkdirSync(path.join(workspace.root, 'ideas/inbox'), { recursive: true })
    const daemon = await workspace.daemon()
    assert.equal((await workspace.json('status')).watcher_mode, 'watch')
    const told = (type) => workspace.events(type).length
    await eventually('it is idle', () => told('runtime_tick_idle') === 1)

    writeFileSync(workspace.path('tasks/queue/by-hand.md'), documentText('task', 'by-hand'))
    await eventually('the task is done', () => workspace.has('tasks/done/by-hand.md'))

    const idea = path.join(workspace.root, 'ideas/inbox/idea.md')
    for (const ending of ['~', '.tmp', '.part']) writeFileSync(`${idea}${ending}`, '# Half an idea\n')
    writeFileSync(idea, '# An idea\n\nWorth doing.\n')
    await eventually('the idea is a spec', () => told('idea_normalized_to_spec') === 1)

    await workspace.ok('pause')
    assert.equal(told('runtime_paused'), 1)

    appendFileSync(workspace.path('millrace.toml'), '\n[recovery]\nmax_fix_cycles = 7\n')
    await eventually('the config is read', () => told('runtime_config_reloaded') === 1)

    const list = path.join(workspace.root, '.millstone/STOP.md')
    mkdirSync(path.dirname(list))
    writeFileSync(list, 'Wait.\n')
    await eventually('the tasklist is paused', () =>
      workspace.events('runtime_paused').some(({ data }) => data.source === 'tasklist'),
    )
    assert.match((await workspace.ok('status')).stdout, /\.millstone\/STOP\.md/)
    assert.match((await workspace.ok('why', 'execution')).stdout, /\.millstone\/STOP\.md/)
    rmSync(list)
    await eventually('it goes on', () =>
      workspace.events('runtime_resumed').some(({ data }) => data.source === 'tasklist'),
    )

    const stop = workspace.path('STOP_AUTONOMY')
    writeFileSync(stop, '')
    await daemon.ended
    assert.deepEqual(
      workspace.events('runtime_stopped').map(({ data }) => data.file),
      ['millrace-agents/STOP_AUTONOMY'],
    )
    assert.ok(workspace.has('STOP_AUTONOMY'), 'the file stays')
    for (const words of [
      ['run', 'daemon'],
      ['daemon', 'start'],
    ]) {
      const refused = await workspace.millrace(...words)
      assert.equal(refused.code, 3, words.join(' '))
      assert.match(refused.stderr, /millrace-agents\/STOP_AUTONOMY lies in the workspace/)
    }
    assert.match((await workspace.ok('why', 'execution')).stdout, /STOP_AUTONOMY/)
    rmSync(stop)
    await workspace.drain()
    assert.deepEqual(workspace.names('specs/queue'), [], 'what waited is worked through')
    assert.equal(told('idea_normalized_to_spec'), 1)
  },
}

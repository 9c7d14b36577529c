/** Stop files: what a person says to the runtime with nothing but a file manager. */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { afterEach, expect, test } from 'vitest'
import type { Snapshot } from '../../src/core/state.ts'
import { Live, pause } from '../rig/live.ts'
import { Rig, reply } from '../rig/runtime.ts'

let rig: Rig
afterEach(() => rig.dispose())

const snapshot = () => rig.json<Snapshot>('state/runtime_snapshot.json')
const drop = (name: string) => {
  const file = path.join(rig.root, name)
  fs.mkdirSync(path.dirname(file), { recursive: true })
  fs.writeFileSync(file, 'enough\n')
  return file
}

test('STOP_AUTONOMY ends the stages at work and the runtime, as control stop does; one event says so, and the file stays', async () => {
  rig = await Rig.create({ replies: [reply('builder', 'BUILDER_COMPLETE', { steps: [{ wait_ms: 60_000 }] })] })
  rig.addTask('task-a')
  const live = await Live.start(rig)
  await live.agent('builder')
  const file = drop('millrace-agents/STOP_AUTONOMY')
  const end = await live.finish()
  expect(end.exit_reason).toBe('stop_requested')
  expect(rig.log('runtime_stopped')).toMatchObject([{ drain: false, file: 'millrace-agents/STOP_AUTONOMY' }])
  expect(fs.readFileSync(file, 'utf8')).toBe('enough\n')
  expect(snapshot().active_runs).toMatchObject([{ node_id: 'builder', status: 'ready' }])
})

test('AUTONOMY_COMPLETE lets everything be finished that there is, and then ends the runtime', async () => {
  rig = await Rig.create()
  drop('millrace-agents/AUTONOMY_COMPLETE')
  rig.addTask('task-a')
  rig.addTask('task-b')
  const live = await Live.start(rig)
  const end = await live.finish()
  expect(end.exit_reason).toBe('stop_requested')
  expect(rig.list('tasks/done')).toEqual(['task-a.md', 'task-b.md'])
  expect(rig.log('runtime_completion_requested')).toEqual([{ file: 'millrace-agents/AUTONOMY_COMPLETE' }])
  expect(rig.log('runtime_stopped')).toMatchObject([{ drain: true, file: 'millrace-agents/AUTONOMY_COMPLETE' }])
  expect(rig.exists('AUTONOMY_COMPLETE')).toBe(true)
})

test('AUTONOMY_COMPLETE does not end a runtime that is paused with work left, nor one it was taken away from', async () => {
  rig = await Rig.create()
  rig.addTask('task-a')
  await rig.issue('pause')
  drop('millrace-agents/AUTONOMY_COMPLETE')
  const live = await Live.start(rig)
  await live.until('the event', () => rig.log('runtime_completion_requested').length === 1)
  await pause(500)
  expect(live.end).toBeNull()
  fs.rmSync(rig.at('AUTONOMY_COMPLETE'))
  await live.command('resume')
  await live.until('done', () => rig.list('tasks/done').length === 1)
  await pause(500)
  expect(live.end).toBeNull()
  await live.close()
})

test('.millstone/STOP.md pauses as the source tasklist, and only that: a person pauses and resumes beside it', async () => {
  rig = await Rig.create()
  const file = drop('.millstone/STOP.md')
  rig.addTask('task-a')
  const live = await Live.start(rig)
  await live.until('the pause', () => rig.log('runtime_paused').length === 1)
  expect(snapshot().pause_sources).toMatchObject([
    { source: 'tasklist', reason: '.millstone/STOP.md lies in the workspace', until: null },
  ])
  await live.command('pause')
  expect((await live.command('resume')).result).toMatchObject({ detail: 'resumed; still paused by tasklist' })
  expect(rig.list('tasks/queue')).toEqual(['task-a.md'])
  await pause(300)
  expect(rig.log('runtime_paused').filter(({ source }) => source === 'tasklist')).toHaveLength(1)
  await live.command('pause')
  fs.rmSync(file)
  await live.until('the end of it', () => snapshot().pause_sources.every(({ source }) => source !== 'tasklist'))
  expect(snapshot().pause_sources).toMatchObject([{ source: 'operator' }])
  expect(rig.log('runtime_resumed').filter(({ source }) => source === 'tasklist')).toHaveLength(1)
  await live.command('resume')
  await live.until('done', () => rig.list('tasks/done').length === 1)
  await live.close()
})

test('a folder of that name is no stop file', async () => {
  rig = await Rig.create()
  fs.mkdirSync(rig.at('STOP_AUTONOMY'))
  rig.addTask('task-a')
  await rig.work()
  expect(rig.list('tasks/done')).toEqual(['task-a.md'])
})

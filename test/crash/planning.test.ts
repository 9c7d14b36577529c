/** Planning, closure, commands and intake, stopped after file operations. */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { expect, test } from 'vitest'
import { crashStory, succeeding } from './engine-story.ts'

const STOPPED = { kinds: ['stopped'] as const }

test('a root spec is planned, built and closed once, wherever the runtime is stopped', {
  timeout: 240_000,
}, async () => {
  const report = await crashStory(
    {
      begin: (rig) => rig.addRootSpec('root'),
      script: succeeding(),
      ends: { 'spec root': 'done', 'task root-task': 'done' },
      outcomes: [
        'PLANNER_COMPLETE',
        'MANAGER_COMPLETE',
        'BUILDER_COMPLETE',
        'CHECKER_PASS',
        'UPDATE_COMPLETE',
        'ARBITER_COMPLETE',
      ],
      also: (rig) =>
        expect(JSON.parse(rig.read('arbiter/targets/root.json'))).toMatchObject({ closure_open: false, rounds: 1 }),
    },
    { ...STOPPED, every: 3 },
  )
  expect(report.crashes).toBeGreaterThan(60)
})

test('a gap becomes one incident and is closed in the next round, wherever the runtime is stopped', {
  timeout: 240_000,
}, async () => {
  const report = await crashStory(
    {
      begin: (rig) => rig.addRootSpec('root'),
      script: (request, attempt) => {
        if (request.stage_kind_id !== 'arbiter') return succeeding()(request, attempt)
        return fs.existsSync(path.join(request.run_dir, '../../incidents/resolved')) &&
          fs.readdirSync(path.join(request.run_dir, '../../incidents/resolved')).length > 0
          ? 'ARBITER_COMPLETE'
          : 'REMEDIATION_NEEDED'
      },
      ends: {
        'spec root': 'done',
        'task root-task': 'done',
        'incident arbiter-gap-root-*': 'done',
        'task arbiter-gap-root-*': 'done',
      },
      outcomes: [
        'PLANNER_COMPLETE',
        'MANAGER_COMPLETE',
        'BUILDER_COMPLETE',
        'CHECKER_PASS',
        'UPDATE_COMPLETE',
        'REMEDIATION_NEEDED',
        'AUDITOR_COMPLETE',
        'PLANNER_COMPLETE',
        'MANAGER_COMPLETE',
        'BUILDER_COMPLETE',
        'CHECKER_PASS',
        'UPDATE_COMPLETE',
        'ARBITER_COMPLETE',
      ],
    },
    { ...STOPPED, every: 9 },
  )
  expect(report.crashes).toBeGreaterThan(30)
})

test('commands of the mailbox are carried out exactly once, wherever the runtime is stopped', {
  timeout: 240_000,
}, async () => {
  const report = await crashStory(
    {
      async begin(rig) {
        rig.addTask('unwanted', { created_at: '2026-03-02T10:00:00Z' })
        await rig.command('pause')
        await rig.command('cancel_work_item', { work_item_id: 'unwanted' })
        await rig.command('resume')
        await rig.command('add_idea', { source_name: 'wish.md', markdown: '# A wish\n\nMake it so.\n' })
        await rig.command('no_such_command')
      },
      script: succeeding({ planner: ['BLOCKED', 'BLOCKED', 'BLOCKED'], mechanic: ['BLOCKED', 'BLOCKED', 'BLOCKED'] }),
      ends: { 'spec idea-wish': 'blocked' },
      outcomes: ['BLOCKED', 'BLOCKED', 'BLOCKED'],
      also: (rig) => {
        expect(rig.list('state/mailbox/incoming')).toEqual([])
        expect(rig.list('state/mailbox/processed')).toHaveLength(4)
        expect(rig.list('state/mailbox/failed')).toHaveLength(1)
        expect(rig.list('tasks/queue/cancelled').filter((name) => name.startsWith('unwanted.'))).toHaveLength(1)
        expect(rig.read('state/interventions.jsonl').trim().split('\n')).toHaveLength(1)
      },
    },
    { ...STOPPED, every: 3 },
  )
  expect(report.crashes).toBeGreaterThan(30)
})

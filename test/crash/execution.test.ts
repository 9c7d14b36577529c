/** Claims, starts, settles, recovery and handoff of the execution plane, stopped after every file operation. */
import { expect, test } from 'vitest'
import { crashStory, succeeding } from './engine-story.ts'

const STOPPED = { kinds: ['stopped'] as const }

test('a task is done once, wherever the runtime is stopped', { timeout: 240_000 }, async () => {
  const report = await crashStory(
    {
      begin: (rig) => rig.addTask('a'),
      script: succeeding(),
      ends: { 'task a': 'done' },
      outcomes: ['BUILDER_COMPLETE', 'CHECKER_PASS', 'UPDATE_COMPLETE'],
    },
    STOPPED,
  )
  expect(report.crashes).toBe(report.steps.length + 1)
  expect(report.crashes).toBeGreaterThan(80)
})

test('a fix round and a repair use each budget once, wherever the runtime is stopped', {
  timeout: 240_000,
}, async () => {
  const report = await crashStory(
    {
      begin: (rig) => rig.addTask('a'),
      script: succeeding({ builder: ['BLOCKED'], checker: ['FIX_NEEDED'] }),
      ends: { 'task a': 'done' },
      outcomes: [
        'BLOCKED',
        'TROUBLESHOOT_COMPLETE',
        'BUILDER_COMPLETE',
        'FIX_NEEDED',
        'FIXER_COMPLETE',
        'DOUBLECHECK_PASS',
        'UPDATE_COMPLETE',
      ],
      also: (rig) => expect(JSON.parse(rig.read('state/recovery_counters.json')).entries).toEqual([]),
    },
    { ...STOPPED, every: 3 },
  )
  expect(report.crashes).toBeGreaterThan(60)
})

test('a handoff opens one incident, wherever the runtime is stopped', { timeout: 240_000 }, async () => {
  const report = await crashStory(
    {
      begin: (rig) => rig.addTask('a'),
      script: succeeding({
        builder: ['BLOCKED'],
        troubleshooter: ['BLOCKED', 'BLOCKED'],
        consultant: ['NEEDS_PLANNING'],
        auditor: ['BLOCKED'],
        mechanic: ['BLOCKED', 'BLOCKED'],
      }),
      ends: { 'task a': 'blocked', 'incident incident-a-*': 'blocked' },
      outcomes: ['BLOCKED', 'BLOCKED', 'BLOCKED', 'NEEDS_PLANNING', 'BLOCKED', 'BLOCKED', 'BLOCKED'],
    },
    { ...STOPPED, every: 4 },
  )
  expect(report.crashes).toBeGreaterThan(40)
})

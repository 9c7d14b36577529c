/** The first start of a runtime, and tasks that are built, repaired, or handed to planning. */
import { readText } from '../../store/files.ts'
import { type Story, succeeding } from '../story.ts'
import { at, has } from './ending.ts'
import { BUILT } from './script.ts'

export const firstStart: Story = {
  name: 'first start',
  about: 'control',
  tells: 'a runtime is started for the first time and puts its plan in force',
  isFresh: true,
  begin: () => {},
  script: succeeding(),
  ends: {},
  outcomes: [],
}

export const task: Story = {
  name: 'task',
  about: 'execution',
  tells: 'a task is claimed, its stages are started and settled, it is done',
  begin: ({ task }) => task('a'),
  script: succeeding(),
  ends: { 'task a': 'done' },
  outcomes: BUILT,
}

export const recovery: Story = {
  name: 'recovery',
  about: 'execution',
  tells: 'a blocked stage is repaired, and a fix round is made',
  begin: ({ task }) => task('a'),
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
  also: (files) => has(JSON.parse(readText(files, at('state/recovery_counters.json')) ?? '').entries, 0, 'budgets'),
}

export const handoff: Story = {
  name: 'handoff',
  about: 'execution',
  tells: 'a task that cannot be repaired is handed to planning as an incident, which is blocked',
  begin: ({ task }) => task('a'),
  script: succeeding({
    builder: ['BLOCKED'],
    troubleshooter: ['BLOCKED', 'BLOCKED'],
    consultant: ['NEEDS_PLANNING'],
    auditor: ['BLOCKED'],
    mechanic: ['BLOCKED', 'BLOCKED'],
  }),
  ends: { 'task a': 'blocked', 'incident incident-a-*': 'blocked' },
  outcomes: ['BLOCKED', 'BLOCKED', 'BLOCKED', 'NEEDS_PLANNING', 'BLOCKED', 'BLOCKED', 'BLOCKED'],
}

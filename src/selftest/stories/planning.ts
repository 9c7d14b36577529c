/** Root specs, from planning to the verdict of the arbiter. */
import type { Files } from '../../core/files.ts'
import { readText } from '../../store/files.ts'
import { type Story, succeeding } from '../story.ts'
import { at } from './ending.ts'
import { BUILT, PLANNED, unless } from './script.ts'

export const rootSpec: Story = {
  name: 'root spec',
  about: 'planning',
  tells: 'a spec is planned, its task built, and the arbiter passes it',
  begin: ({ rootSpec }) => rootSpec('root'),
  script: succeeding(),
  ends: { 'spec root': 'done', 'task root-task': 'done' },
  outcomes: [...PLANNED, ...BUILT, 'ARBITER_COMPLETE'],
  also: (files) => closed(files, { closure_open: false, rounds: 1 }),
}

export const gap: Story = {
  name: 'gap',
  about: 'planning',
  tells: 'the arbiter finds a gap, which becomes an incident, a task, and a pass in the next round',
  begin: ({ rootSpec }) => rootSpec('root'),
  script: unless('arbiter', (_request, _attempt, files) =>
    (files.list(at('incidents/resolved')) ?? []).length === 0 ? 'REMEDIATION_NEEDED' : null,
  ),
  ends: {
    'spec root': 'done',
    'task root-task': 'done',
    'incident arbiter-gap-root-*': 'done',
    'task arbiter-gap-root-*': 'done',
  },
  outcomes: [...PLANNED, ...BUILT, 'REMEDIATION_NEEDED', 'AUDITOR_COMPLETE', ...PLANNED, ...BUILT, 'ARBITER_COMPLETE'],
  also: (files) => closed(files, { closure_open: false, rounds: 2 }),
}

export const heldClosure: Story = {
  name: 'held closure',
  about: 'planning',
  tells: 'the arbiter is blocked, its target is held and judged again later',
  begin: ({ rootSpec }) => rootSpec('root'),
  script: unless('arbiter', (_request, _attempt, files) => (judgements(files) === 0 ? 'BLOCKED' : null)),
  ends: { 'spec root': 'done', 'task root-task': 'done' },
  outcomes: [...PLANNED, ...BUILT, 'BLOCKED', 'ARBITER_COMPLETE'],
  also: (files) => closed(files, { closure_open: false, rounds: 2 }),
}

interface Target {
  closure_open: boolean
  rounds: number
}

const target = (files: Files): Partial<Target> =>
  JSON.parse(readText(files, at('arbiter/targets/root.json')) ?? '{}') as Partial<Target>

const judgements = (files: Files): number => target(files).rounds ?? 0

function closed(files: Files, expected: Target): string[] {
  const { closure_open, rounds } = target(files)
  const isRight = closure_open === expected.closure_open && rounds === expected.rounds
  return isRight ? [] : [`the closure target says closure_open=${closure_open} after ${rounds} rounds`]
}

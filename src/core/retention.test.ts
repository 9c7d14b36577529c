import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decide, type Facts, KINDS, type RunFact, tally, type Verdict } from './retention.ts'
import { limitsOf, NO_LIMITS, RetentionConfig, type RetentionLimits } from './retention-config.ts'

const NOW = Date.parse('2026-03-04T12:00:00Z')
const DAY = 86_400_000
const MIB = 1024 * 1024

const run = (run_id: string, more: Partial<RunFact> = {}): RunFact => ({
  run_id,
  changedMs: NOW - 100 * DAY,
  bytes: MIB,
  plans: ['plan-a'],
  isActive: false,
  work: 'done',
  isEvidence: false,
  isNamedByWork: false,
  isInStatus: false,
  unanswered: [],
  foreign: [],
  ...more,
})
const facts = (more: Partial<Facts> = {}): Facts => ({
  nowMs: NOW,
  runs: [],
  plans: [],
  activePlans: [],
  logs: [],
  liveLogBytes: 0,
  commands: [],
  scratch: [],
  refs: [],
  ...more,
})
const ref = (run_id: string, request_id: string, more: Partial<Facts['refs'][number]> = {}) => ({
  ref: `refs/millrace/rescue/${run_id}/${request_id}`,
  commit: 'c0ffee',
  keptMs: NOW - 100 * DAY,
  run_id,
  request_id,
  isOfThisWorkspace: true,
  isGivenBack: false,
  ...more,
})
const part = (path: string, days: number, bytes = MIB) => ({ path, changedMs: NOW - days * DAY, bytes, holds: null })
const told = (verdicts: Verdict[]) => verdicts.map(({ name, goes, reason }) => `${name} ${goes ? '-' : '+'} ${reason}`)
const decided = (more: Partial<Facts>, limits: Partial<RetentionLimits>) =>
  told(decide(facts(more), { ...NO_LIMITS, ...limits }))

describe('a run', () => {
  test('goes by its age, and without a limit stays', () => {
    const runs = [run('old'), run('young', { changedMs: NOW - 10 * DAY })]
    expect(decided({ runs }, { runs_days: 90 })).toEqual(['young + within_limits', 'old - older_than'])
    expect(decided({ runs }, {})).toEqual(['young + within_limits', 'old + within_limits'])
  })

  test('goes by number and by size, the oldest first', () => {
    const runs = [1, 2, 3].map((days) => run(`run-${days}`, { changedMs: NOW - days * DAY }))
    expect(decided({ runs }, { runs_max: 2 }).at(-1)).toBe('run-3 - beyond_count')
    expect(decided({ runs }, { runs_mib_max: 1 }).slice(1)).toEqual(['run-2 - beyond_size', 'run-3 - beyond_size'])
    expect(decided({ runs }, { runs_mib_max: 1, runs_keep: 2 })[1]).toBe('run-2 + newest')
  })

  test.each([
    [{ isActive: true }, 'unfinished_run'],
    [{ work: 'unfinished' as const }, 'unfinished_item'],
    [{ isEvidence: true }, 'open_closure'],
    [{ isNamedByWork: true }, 'named_by_work'],
    [{ isInStatus: true }, 'in_status'],
    [{ work: 'unknown' as const }, 'unreadable'],
    [{ foreign: ['notes.txt'] }, 'has_foreign_files'],
  ])('with %j stays, however old it is', (more, reason) => {
    expect(decided({ runs: [run('old', more)] }, { runs_days: 1 })).toEqual([`old + ${reason}`])
  })

  test('stays as long as a tree from before a stage of it that never answered has not been taken back', () => {
    const runs = [run('old', { work: 'gone', unanswered: ['q'] })]
    const limits = { runs_days: 1, hidden_refs_days: 1 }
    const of = (more: Parameters<typeof ref>[2]) =>
      decided({ runs, refs: [ref('old', 'q', more), ref('old', 'answered')] }, limits)
    const answered = 'refs/millrace/rescue/old/answered - older_than'
    expect(of({})).toEqual(['old + open_rescue', 'refs/millrace/rescue/old/q + open_rescue', answered])
    expect(of({ isGivenBack: true })).toEqual(['old - older_than', 'refs/millrace/rescue/old/q - older_than', answered])
    expect(of({ isOfThisWorkspace: false })[1]).toBe('refs/millrace/rescue/old/q + of_another_workspace')
  })
})

describe('a plan', () => {
  const plans = ['plan-a', 'plan-b', 'plan-c'].map((plan_id) => ({
    plan_id,
    bytes: 1,
    isInForce: plan_id === 'plan-c',
  }))

  test('stays while a run that stays names it, or it is in force', () => {
    const runs = [run('old'), run('young', { changedMs: NOW, plans: ['plan-b'] })]
    expect(decided({ runs, plans }, { runs_days: 90 })).toEqual([
      'young + within_limits',
      'old - older_than',
      'plan-a - unnamed',
      'plan-b + named_by_run',
      'plan-c + in_force',
    ])
  })

  test('stays where a run that stays does not tell its plan', () => {
    const runs = [run('odd', { work: 'unknown', plans: [] })]
    expect(decided({ runs, plans }, { runs_days: 1 })).toEqual([
      'odd + unreadable',
      'plan-a + unreadable',
      'plan-b + unreadable',
      'plan-c + in_force',
    ])
  })

  test('stays while a run that has no folder yet is bound to it, and where nothing limits runs', () => {
    expect(decided({ plans, activePlans: ['plan-a'] }, { runs_days: 1 })[0]).toBe('plan-a + named_by_run')
    expect(decided({ plans }, { logs_days: 1 })[0]).toBe('plan-a + within_limits')
  })
})

describe('the rest', () => {
  test('parts of logs go by age and by size, the live log counted', () => {
    const logs = [part('a', 1), part('b', 2), part('c', 9)]
    expect(decided({ logs }, { logs_days: 5 })).toEqual(['a + within_limits', 'b + within_limits', 'c - older_than'])
    expect(decided({ logs, liveLogBytes: MIB }, { logs_mib_max: 2 })).toEqual([
      'a + within_limits',
      'b - beyond_size',
      'c - beyond_size',
    ])
  })

  test('what is held stays, with the reason', () => {
    const commands = [{ ...part('state/mailbox/processed/a.json', 50), holds: 'waiting' as const }]
    expect(decided({ commands }, { mailbox_days: 30 })).toEqual(['state/mailbox/processed/a.json + waiting'])
  })

  test('is counted by kind, side and reason', () => {
    const runs = [run('a'), run('b'), run('c', { isActive: true })]
    expect(tally(decide(facts({ runs }), { ...NO_LIMITS, runs_days: 1 }))).toEqual([
      { kind: 'run', goes: true, reason: 'older_than', count: 2, bytes: 2 * MIB },
      { kind: 'run', goes: false, reason: 'unfinished_run', count: 1, bytes: MIB },
    ])
  })
})

// ---- laws ------------------------------------------------------------------------------------------------------------

const PLANS = ['p0', 'p1', 'p2', 'p3', 'p4']
const anyRun = fc.record({
  changedMs: fc.integer({ min: 0, max: 200 }).map((days) => NOW - days * DAY),
  bytes: fc.integer({ min: 0, max: 3 * MIB }),
  plans: fc.subarray(PLANS, { maxLength: 2 }),
  isActive: fc.boolean(),
  work: fc.constantFrom('unfinished' as const, 'done' as const, 'gone' as const, 'unknown' as const),
  isEvidence: fc.boolean(),
  isNamedByWork: fc.boolean(),
  isInStatus: fc.boolean(),
  unanswered: fc.subarray(['q0', 'q1']),
  foreign: fc.subarray(['notes.txt']),
})
/** Most runs have nothing that holds them, so that limits decide something. */
const plainRun = anyRun.map((one) => ({
  ...one,
  isActive: false,
  isEvidence: false,
  isNamedByWork: false,
  isInStatus: false,
  work: 'done' as const,
  foreign: [],
}))
const anyPart = fc.record({
  changedMs: fc.integer({ min: 0, max: 200 }).map((days) => NOW - days * DAY),
  bytes: fc.integer({ min: 0, max: MIB }),
  holds: fc.constantFrom(null, 'waiting' as const),
})
const parts = fc
  .array(anyPart, { maxLength: 6 })
  .map((all) => all.map((one, index) => ({ ...one, path: `part-${index}` })))
const anyFacts: fc.Arbitrary<Facts> = fc
  .record({
    runs: fc.array(fc.oneof(anyRun, plainRun), { maxLength: 12 }),
    inForce: fc.constantFrom(...PLANS),
    activePlans: fc.subarray(PLANS, { maxLength: 2 }),
    logs: parts,
    commands: parts,
    scratch: parts,
    refs: fc.uniqueArray(
      fc.record({
        run: fc.nat(12),
        request: fc.constantFrom('q0', 'q1', 'q2'),
        isGivenBack: fc.boolean(),
        isOfThisWorkspace: fc.boolean(),
        days: fc.integer({ min: 0, max: 200 }),
      }),
      { maxLength: 8, selector: ({ run: of, request }) => `${of} ${request}` },
    ),
  })
  .map(({ runs, inForce, refs, ...rest }) => ({
    ...facts(),
    ...rest,
    runs: runs.map((one, index) => ({
      ...one,
      run_id: `run-${index}`,
      unanswered: one.unanswered.map((request) => `run-${index}-${request}`),
    })),
    plans: PLANS.map((plan_id) => ({ plan_id, bytes: 1, isInForce: plan_id === inForce })),
    refs: refs.map(({ run: index, request, days, ...one }) =>
      ref(`run-${index}`, `run-${index}-${request}`, { ...one, keptMs: NOW - days * DAY }),
    ),
  }))
const anyLimits: fc.Arbitrary<RetentionLimits> = fc.record({
  runs_days: fc.integer({ min: 0, max: 150 }),
  runs_max: fc.integer({ min: 0, max: 12 }),
  runs_mib_max: fc.integer({ min: 0, max: 12 }),
  runs_keep: fc.integer({ min: 0, max: 4 }),
  logs_days: fc.integer({ min: 0, max: 150 }),
  logs_mib_max: fc.integer({ min: 0, max: 4 }),
  mailbox_days: fc.integer({ min: 0, max: 150 }),
  scratch_days: fc.integer({ min: 0, max: 150 }),
  hidden_refs_days: fc.integer({ min: 0, max: 150 }),
})
const going = (given: Facts, limits: RetentionLimits) =>
  new Set(decide(given, limits).flatMap(({ kind, name, goes }) => (goes ? [`${kind} ${name}`] : [])))

describe('whatever there is and whatever the limits', () => {
  const holds = (law: (given: Facts, limits: RetentionLimits) => void) =>
    fc.assert(fc.property(anyFacts, anyLimits, law), { numRuns: 500 })

  test('each thing gets one verdict, and with no limits nothing goes', () => {
    holds((given, limits) => {
      const named = decide(given, limits).map(({ kind, name }) => `${kind} ${name}`)
      expect(named).toHaveLength(
        given.runs.length +
          given.plans.length +
          given.logs.length +
          given.commands.length +
          given.scratch.length +
          given.refs.length,
      )
      expect(going(given, NO_LIMITS)).toEqual(new Set())
    })
  })

  test('nothing unfinished goes, nor what open work needs, nor what is not ours, nor the newest', () => {
    holds((given, limits) => {
      const gone = going(given, limits)
      const newest = given.runs.toSorted((a, b) => b.changedMs - a.changedMs || (a.run_id < b.run_id ? -1 : 1))
      for (const one of [
        ...given.runs.filter(
          (each) =>
            each.isActive ||
            each.work === 'unfinished' ||
            each.isEvidence ||
            each.isNamedByWork ||
            each.foreign.length > 0,
        ),
        ...newest.slice(0, limits.runs_keep),
      ])
        expect(gone.has(`run ${one.run_id}`)).toBe(false)
      for (const one of given.refs.filter((each) => !each.isOfThisWorkspace))
        expect(gone.has(`ref ${one.ref}`)).toBe(false)
    })
  })

  test('what stays has all it names: a run its plans, an open rescue its run', () => {
    holds((given, limits) => {
      const gone = going(given, limits)
      const kept = given.runs.filter(({ run_id }) => !gone.has(`run ${run_id}`))
      for (const plan of [...kept.flatMap(({ plans }) => plans), ...given.activePlans])
        expect(gone.has(`plan ${plan}`)).toBe(false)
      const open = decide(given, limits).filter(({ kind, reason }) => kind === 'ref' && reason === 'open_rescue')
      for (const { name } of open) expect(gone.has(`run ${name.split('/')[3]}`)).toBe(false)
    })
  })

  test('a wider limit lets nothing go that a narrower one leaves', () => {
    const limit = fc.constantFrom(...(Object.keys(NO_LIMITS) as (keyof RetentionLimits)[]))
    fc.assert(
      fc.property(anyFacts, anyLimits, limit, fc.integer({ min: 1, max: 50 }), (given, limits, name, more) => {
        fc.pre(limits[name] > 0 || name === 'runs_keep')
        const wider = going(given, { ...limits, [name]: limits[name] + more })
        const before = going(given, limits)
        expect([...wider].filter((one) => !before.has(one))).toEqual([])
      }),
      { numRuns: 1000 },
    )
  })

  test('deciding again on what stays lets nothing more go by age', () => {
    holds((given, { runs_days }) => {
      const limits = { ...NO_LIMITS, runs_days }
      const gone = going(given, limits)
      const left = {
        ...given,
        runs: given.runs.filter(({ run_id }) => !gone.has(`run ${run_id}`)),
        plans: given.plans.filter(({ plan_id }) => !gone.has(`plan ${plan_id}`)),
      }
      expect(going(left, limits)).toEqual(new Set())
    })
  })
})

test('by default a young workspace loses nothing', () => {
  const limits = limitsOf(RetentionConfig.parse({}))
  const runs = Array.from({ length: 100 }, (_, index) => run(`run-${index}`, { changedMs: NOW - 30 * DAY }))
  expect(going(facts({ runs }), limits)).toEqual(new Set())
  expect(Object.keys(tally([]))).toEqual([])
  expect(KINDS).toHaveLength(6)
})

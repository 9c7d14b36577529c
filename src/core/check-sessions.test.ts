import { describe, expect, it } from 'vitest'
import { compileWith, edit, planWith } from '../../test/rig/assets.ts'
import type { Loop } from './loop.ts'
import type { Mode } from './mode.ts'
import { nodeOf } from './plan.ts'

const MODE = 'modes/default_codex.json'
const LOOP = 'graphs/execution/standard.json'
const bind = (stage_session_bindings: object, runners: object = {}) =>
  edit<Mode>((mode) => {
    Object.assign(mode, { stage_session_bindings })
    Object.assign(mode.stage_runner_bindings, runners)
  })
const wish = (node: string, other: string) =>
  edit<Loop>((loop) =>
    Object.assign(loop.nodes.find(({ node_id }) => node_id === node)!, { continues_session_of: other }),
  )

describe('a node that goes on with the session of another', () => {
  it('is bound by its loop or by the mode, and no other node is', () => {
    const plan = planWith({ changes: { [LOOP]: wish('doublechecker', 'checker'), [MODE]: bind({ fixer: 'builder' }) } })
    const of = (node: string) => nodeOf(plan, 'execution', node)
    expect(of('doublechecker')).toMatchObject({ continues_session_of: 'checker' })
    expect(of('doublechecker')!.origins.continues_session_of).toBe('node')
    expect(of('fixer')).toMatchObject({ continues_session_of: 'builder' })
    expect(of('fixer')!.origins.continues_session_of).toBe('mode default_codex')
    expect(of('builder')!.continues_session_of).toBeNull()
  })

  it.each([
    [
      'a node that is not there',
      { [LOOP]: wish('fixer', 'bilder') },
      LOOP,
      /^nodes\.\d fixer$/,
      /no node .* did you mean builder/,
    ],
    [
      'a node of another loop',
      { [MODE]: bind({ fixer: 'planner' }) },
      MODE,
      /^stage_session_bindings\.fixer$/,
      /no node/,
    ],
    ['itself', { [MODE]: bind({ fixer: 'fixer' }) }, MODE, /^stage_session_bindings\.fixer$/, /the node itself/],
  ])('cannot mean %s', (_title, changes, path, at, message) => {
    const { plan, diagnostics } = compileWith({ changes })
    expect(plan === null).toBe(true)
    expect(diagnostics).toMatchObject([
      { code: 'LOOP_DANGLING_REF', path, at: expect.stringMatching(at), message: expect.stringMatching(message) },
    ])
  })

  it('must run on the same runner', () => {
    const changes = { [MODE]: bind({ fixer: 'builder' }, { fixer: 'claude_code' }) }
    const { plan, diagnostics } = compileWith({ changes })
    expect(plan === null).toBe(true)
    expect(diagnostics).toMatchObject([
      { code: 'SESSION_NOT_CONTINUED', severity: 'error', message: expect.stringMatching(/claude_code and codex_cli/) },
    ])
  })

  it('is told of where its runner cannot go on with one', () => {
    const changes = { [MODE]: bind({ fixer: 'builder' }, { builder: 'command', fixer: 'command' }) }
    const { plan, diagnostics } = compileWith({ changes })
    expect(plan === null).toBe(false)
    expect(diagnostics).toMatchObject([{ code: 'SESSION_NOT_CONTINUED', severity: 'warning' }])
  })

  it('must be allowed by its stage kind, and a stage the loops do not use cannot be bound', () => {
    const kind = 'registry/stage_kinds/execution/fixer.json'
    const narrow = edit<object>((value) => Object.assign(value, { allowed_overrides: ['runner_name'] }))
    const { diagnostics } = compileWith({
      changes: { [kind]: narrow, [MODE]: bind({ fixer: 'builder', painter: 'builder' }) },
    })
    expect(diagnostics.map(({ code, at }) => [code, at])).toEqual([
      ['NODE_OVERRIDE_NOT_ALLOWED', 'stage_session_bindings.fixer'],
      ['MODE_STAGE_OUTSIDE_LOOPS', 'stage_session_bindings.painter'],
    ])
  })
})

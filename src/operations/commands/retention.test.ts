import { describe, expect, test } from 'vitest'
import { commandContext, refusal } from '../../../test/rig/command.ts'
import { MemoryWorkspace } from '../../../test/rig/view.ts'
import { limitsOf, RetentionConfig } from '../../core/retention-config.ts'
import { collectGarbage } from './retention.ts'

const limits = limitsOf(RetentionConfig.parse({}))

describe('asking for what may go to be removed', () => {
  test('keeps the limits in the snapshot, and takes nothing away by itself', () => {
    const { changes, output } = collectGarbage(commandContext(new MemoryWorkspace()), { limits })
    expect(output).toMatchObject({ applied: true, asked_at: expect.any(String) })
    expect(changes.map(({ change }) => change)).toEqual(['state.set'])
    const [set] = changes
    expect(set?.change === 'state.set' && set.snapshot.retention).toEqual({
      asked: { by: 'operator', at: output.asked_at, limits, removed: {} },
      last: null,
    })
  })

  test.each([
    ['no limits', {}],
    ['one limit too few', { limits: { ...limits, runs_days: undefined } }],
    ['one nobody knows', { limits: { ...limits, items_days: 1 } }],
    ['a limit below nothing', { limits: { ...limits, runs_max: -1 } }],
    ['anything else', { limits, runs: ['run-1'] }],
  ])('is refused with %s', (_what, payload) => {
    expect(refusal(new MemoryWorkspace(), collectGarbage, payload).code).toBe('mailbox_invalid')
  })
})

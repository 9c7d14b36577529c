import { expect, it } from 'vitest'
import { clock } from '../../test/agents/clock.ts'
import { parseConfig } from '../core/config.ts'
import { disk } from '../store/files.ts'
import { RUNNER_NAMES } from './names.ts'
import { runnersFor } from './registry.ts'

it('the names of the runners are those the registry builds', () => {
  const ports = {
    files: disk,
    clock,
    environment: {},
    workspaceRoot: '/',
    scriptedAgent: '/agent.js',
    driver: '/driver.js',
  }
  expect([...runnersFor(parseConfig({}, 'test'), ports).keys()]).toEqual([...RUNNER_NAMES])
})

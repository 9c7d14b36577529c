/** Parsers of what the Python runtime left in a workspace that is to be adopted, or was. */

import * as path from 'node:path'
import type { Files } from '../../src/core/files.ts'
import { systemClock } from '../../src/engine/clock.ts'
import { processIdentity } from '../../src/runners/process.ts'
import { adoptionOf } from '../../src/store/adopt/adopt.ts'
import { readInvocations } from '../../src/store/invocations.ts'
import { AT, placesOf } from '../../src/store/layout.ts'
import { stageResultIn } from '../../src/store/stage-result.ts'
import { fixtureFiles } from '../adoption/fixtures/make.mjs'
import { withFiles } from './one-file.ts'
import type { Parser } from './parsers.ts'

const ASSETS = path.join(import.meta.dirname, '../../assets')
const NOWHERE = placesOf('/nowhere')

/** State files of an old workspace and nothing beside them, which reads as quickly as it can. */
export function pythonWorkspaces(): Parser[] {
  const { files } = fixtureFiles('0.16', { runsMax: 0 })
  const bytesOf = (file: string): Uint8Array => Buffer.from(files.get(`millrace-agents/${file}`)?.text ?? '')
  const targets = [...files.keys()].filter((file) => file.includes('/arbiter/targets/'))
  const target = targets[0]!.replace('millrace-agents/', '')
  const stateFiles = [AT.snapshot, AT.counters, target, AT.baseline, AT.usageLedger, AT.lockFile, RESULT_ERROR]
  const rest = Object.fromEntries(stateFiles.map((file) => [file, bytesOf(file)]))
  const adopting = (over: Files) => {
    const ports = { clock: systemClock, processes: processIdentity, installed: { root: ASSETS, version: '0' } }
    const onFatal = (error: Error): never => {
      throw error
    }
    return adoptionOf({ ...ports, files: over, onFatal }, NOWHERE)
  }
  const read = stateFiles.map(
    (file): Parser => ({
      name: `adopting over ${file.replace(/^.*\//, '')}`,
      modules: MODULES,
      examples: [bytesOf(file)],
      refusals: 'one sentence',
      isSlow: true,
      parse: (bytes) => adopting(withFiles(NOWHERE.runtime, { ...rest, [file]: bytes })),
    }),
  )
  const inRun = (part: string) => [...files].find(([file]) => file.includes(part))!
  const [, { text: invocation }] = inRun('/runner_invocation.')
  const [, { text: result }] = inRun('/stage_results/')
  return [
    ...read,
    {
      name: 'invocation of the Python runtime',
      modules: ['store/invocations.ts'],
      examples: [Buffer.from(invocation)],
      refusals: 'never throws',
      parse: (bytes) => {
        const over = withFiles(NOWHERE.runtime, { 'runs/run-1/runner_invocation.r.json': bytes })
        return readInvocations(over, NOWHERE.at('runs/run-1'))
      },
    },
    {
      name: 'stage result of the Python runtime',
      modules: ['store/runs.ts'],
      examples: [Buffer.from(result)],
      refusals: 'throws an Error',
      parse(bytes) {
        const once = stageResultIn(JSON.parse(Buffer.from(bytes).toString('utf8')), '/w/runs/run-1')
        const twice = stageResultIn(once, '/w/runs/run-1')
        if (JSON.stringify(once) !== JSON.stringify(twice)) throw new TypeError('read twice it is another one')
      },
    },
  ]
}

const RESULT_ERROR = 'state/runtime_error_context.json'
const MODULES = [
  'store/adopt/assets.ts',
  'store/adopt/lock.ts',
  'store/adopt/python-workspace.ts',
  'store/adopt/python-state.ts',
]

/** Runs, past and present: which there are, what happened in one, the path it took, its last word. Reads run folders. */
import * as path from 'node:path'
import { describeDiagnostic } from '../../core/diagnostics.ts'
import { sha256 } from '../../core/ids.ts'
import type { InputField, Operation } from '../../core/operation.ts'
import type { Files } from '../../store/files.ts'
import { runIds } from '../../store/runs.ts'
import { type Context, placesIn } from '../context.ts'
import { compileHere } from '../plan/compiling.ts'
import { reading } from '../reading.ts'
import type { FollowEnd } from '../schemas/follow.ts'
import type { RunsProvenanceOutput } from '../schemas/provenance.ts'
import type { RunsLsOutput, RunsShowOutput, RunsTailOutput, RunsTraceOutput } from '../schemas/runs.ts'
import { findRun, partsOf } from './find.ts'
import { followRun } from './follow.ts'
import { previewFrom, provenanceOf } from './provenance.ts'
import { showRun } from './show.ts'
import { runRow } from './summary.ts'
import { tailOf } from './tail.ts'
import { type LookAt, traceOf } from './trace.ts'

const LISTED_DEFAULT = 50

const run: InputField = {
  name: 'run_id',
  type: 'text',
  positional: true,
  required: true,
  placeholder: 'RUN',
  description: 'Run id, or a unique start of it.',
}

export const ls: Operation<Context, { limit?: number }, RunsLsOutput> = {
  name: 'runs ls',
  flavour: 'read',
  summary: 'Runs, newest first.',
  description:
    'Lists the passages of items through their loops: what each served, how it stands, its last outcome, time and tokens. `status` says whether the records can be read, `state` how the run went.',
  input: [
    {
      name: 'limit',
      type: 'integer',
      minimum: 0,
      default: LISTED_DEFAULT,
      placeholder: 'N',
      description: 'At most so many; 0 for all.',
    },
  ],
  examples: [{ command: 'millrace runs ls --limit 5', does: 'see the last five runs' }],
  output: async () => (await import('../schemas.ts')).runsLsSchema(),
  async run(context, { limit = LISTED_DEFAULT }) {
    return reading(context, (view, files) => {
      const ids = runIds(files, placesIn(context))
      const wanted = limit === 0 ? ids : ids.slice(0, limit)
      const runs = wanted.flatMap((id) => {
        const parts = partsOf(context, view, files, id)
        return parts === null ? [] : [runRow(parts)]
      })
      return { runs, run_count: ids.length }
    })
  },
}

export const show: Operation<Context, { run_id: string }, RunsShowOutput> = {
  name: 'runs show',
  flavour: 'read',
  summary: 'One run: its stages, times, tokens and artifacts.',
  description: 'Shows what a run was about and every stage of it in order, with what each reported and left.',
  input: [run],
  examples: [{ command: 'millrace runs show run-4f0c', does: 'see what happened in that run' }],
  output: async () => (await import('../schemas.ts')).runsShowSchema(),
  async run(context, { run_id }) {
    return reading(context, (view, files) => showRun(view, files, findRun(context, view, files, run_id)))
  },
}

export const trace: Operation<Context, { run_id: string }, RunsTraceOutput> = {
  name: 'runs trace',
  flavour: 'read',
  summary: 'The path one run took, edge by edge.',
  description:
    'Shows each stage run and the edge its outcome took, why, and what work that spawned; from the transition history of the run, not from the event log.',
  input: [run],
  examples: [
    { command: 'millrace runs trace run-4f0c', does: 'see the path of that run' },
    { command: 'millrace runs trace run-4f0c --format json', does: 'the same for a program' },
  ],
  output: async () => (await import('../schemas.ts')).runsTraceSchema(),
  async run(context, { run_id }) {
    const now = context.clock.now().toISOString()
    return reading(context, (view, files) => traceOf(findRun(context, view, files, run_id), now, lookAt(files)))
  },
}

export const provenance: Operation<Context, { run_id: string }, RunsProvenanceOutput> = {
  name: 'runs provenance',
  flavour: 'read',
  summary: 'Why a run went as it did: what was frozen for it, and what would be chosen now.',
  description:
    'Shows the plan that was frozen for a run with what it bound each node to and where every value came from, what would be chosen now and how that differs, every decision with the edge it took, documents handed in and working trees before and after. Records that name different runs or plans are refused, not merged.',
  input: [run],
  examples: [{ command: 'millrace run-provenance run-4f0c', does: 'see what that run was decided by' }],
  output: async () => (await import('../schemas.ts')).runsProvenanceSchema(),
  async run(context, { run_id }) {
    return reading(context, (view, files) => {
      const parts = findRun(context, view, files, run_id)
      const preview = previewFrom(() => {
        const { plan, diagnostics } = compileHere(context)
        const error = diagnostics.find(({ severity }) => severity === 'error')
        return { plan, error: error === undefined ? null : describeDiagnostic(error) }
      })
      return provenanceOf(files, context.workspaceRoot, parts, preview)
    })
  },
}

export const tail: Operation<Context, { run_id: string }, RunsTailOutput> = {
  name: 'runs tail',
  flavour: 'read',
  summary: 'The last report of a run.',
  description:
    'Prints the report of the last stage that left one; failing that its final message, what it printed, or what it complained about.',
  input: [run],
  examples: [{ command: 'millrace runs tail run-4f0c', does: 'read its last report' }],
  output: async () => (await import('../schemas.ts')).runsTailSchema(),
  async run(context, { run_id }) {
    return reading(context, (view, files) => tailOf(files, findRun(context, view, files, run_id)))
  },
}

export const follow: Operation<Context, { run_id?: string; current?: boolean; since_start?: boolean }, FollowEnd> = {
  name: 'runs follow',
  flavour: 'read',
  follows: () => true,
  summary: 'What the agent of a run does now, until the run ends.',
  description:
    'Tells what happens in a run as it happens: stages, and what their agents say and do. Without RUN the run that is active, of whatever plane; if there is none it waits for one. Begins with a line for each stage that is over and the last events of the one at work; ends with the run, or by Ctrl-C, which stops nothing but the looking on. With --json one object per line; the last says why it ended.',
  input: [
    { ...run, required: false, description: 'Run id, or a unique start of it (default: the active run).' },
    { name: 'current', type: 'flag', description: 'The active run, as without RUN.' },
    { name: 'since_start', type: 'flag', description: 'Tell every event of every stage from the beginning.' },
  ],
  examples: [
    { command: 'millrace runs follow', does: 'look over the shoulder of the agent at work' },
    {
      command: 'millrace runs follow run-4f0c --since-start --json',
      does: 'all that happened in that run, for a program',
    },
  ],
  output: async () => (await import('../schemas.ts')).runsFollowSchema(),
  run: followRun,
}

const HASHED_BYTES_MAX = 4 * 1024 * 1024

const lookAt =
  (files: Files): LookAt =>
  (file) => {
    const stat = files.stat(path.normalize(file))
    if (stat?.kind !== 'file') return { size_bytes: null, sha256: null }
    const bytes = stat.bytes <= HASHED_BYTES_MAX ? files.read(file) : null
    return { size_bytes: stat.bytes, sha256: bytes === null ? null : sha256(bytes) }
  }

/** What agents at work have used so far, as their own output tells it: the ledger holds what is settled. */
import type { Config } from '../../core/config.ts'
import { ownerOf } from '../../core/ledger.ts'
import type { View } from '../../core/view.ts'
import { readRequest } from '../../store/runs.ts'
import { type Context, placesIn } from '../context.ts'
import type { UsageOutput } from '../schemas/usage.ts'

const BYTES_PER_READ = 4 * 1024 * 1024

/** A row for each stage run that is begun and not settled; `usage` is null where its agent has told of none. */
export function usageAtWork(context: Context, view: View, config: Config): UsageOutput['at_work'] {
  const begun = view.snapshot.active_runs.filter(({ status }) => status === 'started')
  if (begun.length === 0) return []
  const runners = context.runners(config, context.workspaceRoot)
  return begun.flatMap(({ run_id, request_id }) => {
    const request = request_id === null ? null : readRequest(context.files, placesIn(context), run_id, request_id)
    if (request === null) return []
    const { stage_kind_id: stage, runner_name: runner, model_name: model } = request
    const live = runners.get(runner)?.view(request) ?? null
    while (live?.read(BYTES_PER_READ).more === true);
    return [{ run: run_id, stage, item: ownerOf(request).item, runner, model, usage: live?.usage() ?? null }]
  })
}

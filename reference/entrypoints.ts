/** The page on prompts: which file a stage opens, which skills it loads, what it owes and hands in. */
import type { AssetFamilies } from '../src/core/assets.ts'
import type { OwedArtifact, StageKind } from '../src/core/stage.ts'
import { code, codes, page, table } from './markdown.ts'

export function entrypointsPage({ stageKinds }: AssetFamilies): string {
  const stages = [...stageKinds.values()].map(({ value }) => value)
  return page(
    'Entrypoints',
    'The prompt of a stage points at one *entrypoint*, the instructions of its stage kind, and at skills. `millrace init` copies both into `millrace-agents/entrypoints/` and `millrace-agents/skills/`, where you may edit them; the plan freezes the text it was compiled with, in `state/plans/`. A node or a mode can name another entrypoint and further skills. `millrace stages show ID` shows the same for one kind.',
    table(
      ['stage kind', 'entrypoint', 'required skills', 'suggested skills'],
      stages.map((stage) => [
        code(stage.stage_kind_id),
        code(stage.default_entrypoint_path),
        codes(stage.required_skill_paths),
        codes(stage.suggested_skill_paths),
      ]),
    ),
    '## What a stage owes',
    'An outcome counts only if these files are there and were made by this very stage run. Paths are relative to `runs/<run id>/`; those in braces lie in `arbiter/`.',
    table(['stage kind', 'outcome', 'artifact', 'file'], stages.flatMap(owed)),
    '## What a stage may hand in',
    'New work is written to the outbox of the run, never into a queue; the runtime checks it and publishes it with the outcome.',
    table(['stage kind', 'documents', 'with', 'at least'], stages.flatMap(handIns)),
  )
}

const owed = (stage: StageKind): string[][] =>
  Object.entries(stage.owed_artifacts_by_outcome).flatMap(([outcome, artifacts]) =>
    artifacts.map((artifact) => [
      code(stage.stage_kind_id),
      code(outcome),
      artifact.name,
      `${code(artifact.path)}${howItCounts(artifact)}`,
    ]),
  )

const howItCounts = ({ format, reuse }: OwedArtifact): string =>
  `${format === 'text' ? '' : ` (${format})`}${reuse ? ', one made earlier counts' : ''}`

const handIns = (stage: StageKind): string[][] =>
  stage.hand_ins.map(({ kind, outcomes, at_least }) => [
    code(stage.stage_kind_id),
    kind,
    codes(outcomes),
    String(at_least),
  ])

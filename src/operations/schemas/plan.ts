/** What compiling, modes and config operations give. */
import * as z from 'zod'
import { Diagnostic } from '../../core/diagnostics.ts'
import { CompletionBehavior, ResumePolicy, TerminalState, ThresholdPolicy } from '../../core/loop.ts'
import { Plan, PlanTransition } from '../../core/plan.ts'

const text = (what: string) => z.string().describe(what)
const maybe = (what: string) => z.string().nullable().describe(what)
const flag = (what: string) => z.boolean().describe(what)

const compileInput = {
  'compile_input.mode_id': maybe('What was compiled: mode.'),
  'compile_input.config_fingerprint': maybe('Config.'),
  'compile_input.assets_fingerprint': maybe('Assets.'),
}

const validated = {
  ok: flag('Whether the mode compiles.'),
  mode_id: text('Mode, aliases resolved.'),
  used_last_known_good: flag('Whether the plan in force stays because this one has errors.'),
  ...compileInput,
  warnings: z.array(z.string()).describe('Findings that do no harm yet, in a sentence each.'),
  errors: z.array(z.string()).describe('Findings that keep it from compiling.'),
  compiled_plan_id: maybe('Plan; null if it does not compile.'),
  written: flag('Whether plan and diagnostics were written to state/.'),
  diagnostics: z.array(Diagnostic).describe('All findings with code and place.'),
}

export const CompileValidate = z.strictObject(validated).describe('Whether the mode compiles.')
export type CompileValidateOutput = z.infer<typeof CompileValidate>

export const CompileShow = z
  .strictObject({
    ...validated,
    compiled_plan_currentness: z
      .enum(['current', 'stale', 'missing', 'unknown'])
      .describe('Whether the plan on disk is what would be compiled now.'),
    baseline_manifest_id: maybe('Manifest of the prompts and skills that were deployed.'),
    baseline_seed_package_version: maybe('Version that deployed them.'),
    'persisted_compile_input.mode_id': maybe('What the plan on disk was compiled from: mode.'),
    'persisted_compile_input.config_fingerprint': maybe('Config.'),
    'persisted_compile_input.assets_fingerprint': maybe('Assets.'),
    plan: Plan.omit({ entrypoint_texts: true })
      .strict()
      .nullable()
      .describe('The plan without the texts it froze; the last good one if this does not compile.'),
  })
  .describe('The compiled plan.')
export type CompileShowOutput = z.infer<typeof CompileShow>

const GraphNode = z.strictObject({
  node_id: text('Node.'),
  plane: text('Lane.'),
  stage_kind_id: text('Stage kind.'),
  entrypoint_path: text('Prompt.'),
  entrypoint_contract_id: text('Version of the contract between node and prompt.'),
  running_status_marker: text('Token of the status file meanwhile.'),
  required_skill_paths: z.array(z.string()),
  attached_skill_additions: z.array(z.string()),
  runner_name: text('Adapter.'),
  model_name: maybe('Model.'),
  model_reasoning_effort: maybe('Effort.'),
  timeout_seconds: z.int(),
  allowed_result_classes_by_outcome: z.record(z.string(), z.array(z.string())),
  declared_output_artifacts: z.array(z.string()),
})

export const CompileGraph = z
  .array(
    z.strictObject({
      schema_version: z.literal('1.0'),
      kind: z.literal('compiled_stage_graph'),
      compiled_plan_id: text('Plan.'),
      mode_id: text('Mode.'),
      loop_id: text('Loop.'),
      plane: text('Lane.'),
      nodes: z.array(GraphNode),
      edges: z.array(PlanTransition),
      entries: z.array(
        z.strictObject({
          entry_key: text('Kind of work, or `closure_target`.'),
          node_id: text('Where it enters.'),
          stage_kind_id: maybe('Stage kind of that node.'),
          plane: text('Lane.'),
          when: z.strictObject({ field: z.string(), equals: z.string() }).nullable().describe('Narrows the entry.'),
        }),
      ),
      terminal_states: z.array(TerminalState),
      resume_policies: z.array(ResumePolicy),
      threshold_policies: z.array(ThresholdPolicy),
      completion_behavior: CompletionBehavior.nullable(),
      workflow_primitive_fingerprints: z.record(z.string(), z.string()).describe('Always empty; kept for old tools.'),
      source_refs: z.array(z.string()).describe('Assets the plan was made from.'),
      exported_at: text('Time of the plan (ISO time).'),
    }),
  )
  .describe('The loops of the plan, one object for each lane.')

const AssetSource = z.enum(['package', 'workspace']).describe('Whose copy.')

export const ModesLs = z
  .strictObject({
    modes: z.array(
      z.strictObject({
        mode_id: text('Mode.'),
        description: maybe('What it is for.'),
        loop_ids_by_plane: z.record(z.string(), z.string()).describe('Loop of each lane.'),
        source: AssetSource,
        path: text('Its file, relative to the assets root.'),
        is_default: flag('Whether the config takes it when none is named.'),
      }),
    ),
    aliases: z.array(z.strictObject({ alias: text('Other name.'), mode_id: text('Mode it stands for.') })),
    unreadable: z.array(Diagnostic).describe('Mode files that cannot be used.'),
  })
  .describe('Modes there are.')
export type ModesLsOutput = z.infer<typeof ModesLs>

const bindings = (what: string) => z.record(z.string(), z.string()).describe(what)

export const ModesShow = z
  .strictObject({
    alias_of: text('Mode the asked name stands for.').optional(),
    mode_id: text('Mode.'),
    description: maybe('What it is for.'),
    source: AssetSource,
    path: text('Its file, relative to the assets root.'),
    loop_ids_by_plane: z.record(z.string(), z.string()).describe('Loop of each lane.'),
    model_profile: maybe('Profile that says which model each stage has.'),
    stage_runner_bindings: bindings('Adapter by stage kind.'),
    stage_model_bindings: bindings('Model by stage kind.'),
    stage_permission_bindings: bindings('Permission level by stage kind.'),
    stage_entrypoint_overrides: bindings('Prompt by stage kind.'),
    stage_skill_additions: z.record(z.string(), z.array(z.string())).describe('Further skills by stage kind.'),
    claim_order: z
      .array(
        z.strictObject({ plane: text('Lane.'), kinds: z.array(z.string()).describe('Kinds it claims, in order.') }),
      )
      .nullable()
      .describe('Order in which work is taken; null: lanes in the order of their loops.'),
    recovery_limits: z
      .record(z.string(), z.union([z.number(), z.array(z.number())]))
      .nullable()
      .describe('Bounds of recovery; null: the defaults.'),
  })
  .describe('One mode.')
export type ModesShowOutput = z.infer<typeof ModesShow>

const Value = z
  .union([
    z.string(),
    z.number(),
    z.boolean(),
    z.null(),
    z.array(z.string()),
    z.array(z.number()),
    z.array(z.record(z.string(), z.union([z.string(), z.number()]))),
    z.record(z.string(), z.string()),
  ])
  .describe('Value in force; of environment variables only the names.')

export const ConfigShow = z
  .strictObject({
    default_mode: text('Mode compiled when none is named.'),
    run_style: text('Kept for tools that read it.'),
    idle_sleep_seconds: z.number().describe('Polling floor of an idle daemon.'),
    'watchers.enabled': flag('Whether folders are watched.'),
    'usage_governance.enabled': flag('Whether rules on usage are in force.'),
    config_version: text('Fingerprint of the config on disk.'),
    last_reload_outcome: maybe('How the last reload went.'),
    last_reload_error: maybe('Why it failed.'),
    config_path: text('The file.'),
    config_in_force: text('Fingerprint of the config the last runtime took.'),
    asked: maybe('Key that was asked for; null: all.'),
    keys: z.array(
      z.strictObject({
        key: text('Dotted.'),
        value: Value,
        origin: z
          .enum(['file', 'override', 'default', 'mode', 'profile', 'loop'])
          .describe('Where the value comes from; `override`: --set; `mode`, `profile` and `loop` only below `stages`.'),
        line: z.int().nullable().describe('Line of the file it stands on; null if it does not.'),
        from: maybe('Which mode, profile or loop, in the words of the plan.'),
        default: Value.describe('What it is where nothing is said.'),
        boundary: z.enum(['tick', 'claim', 'restart']).describe('When a change takes effect.'),
        description: text('What it is for.'),
      }),
    ),
  })
  .describe('The config in force.')
export type ConfigShowOutput = z.infer<typeof ConfigShow>

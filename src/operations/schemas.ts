/**
 * The JSON Schema of every answer, made from the zod schemas beside. Closed: no member that is not named, each required
 * unless it says otherwise. Loaded only when somebody asks for a schema.
 */
import * as z from 'zod'
import { ApprovalsLs, ApprovalsShow } from './schemas/approvals.ts'
import {
  AssetsLs,
  AssetsShow,
  LoopsLs,
  LoopsShow,
  ModelsLs,
  ModelsShow,
  StagesLs,
  StagesShow,
} from './schemas/assets.ts'
import { ClosureLs, ClosureShow } from './schemas/closure.ts'
import { AddedWork, Demo, IssuedCommand, RunDaemon, RunOnce, Start } from './schemas/commands.ts'
import { DaemonLogEnd, DaemonLogLine, DaemonStart, DaemonStatus, DaemonStop, DaemonUnit } from './schemas/daemon.ts'
import { Completion, Docs } from './schemas/docs.ts'
import { Doctor, Health, SchemaIndex, Version } from './schemas/doctor.ts'
import { FollowEnd, FollowError, FollowRecord } from './schemas/follow.ts'
import { Gc } from './schemas/gc.ts'
import { IncidentsLs } from './schemas/incidents.ts'
import { LoggedEvent, Logs, LogsEnd } from './schemas/logs.ts'
import { NotifyCheck, NotifyLs, NotifyTest } from './schemas/notify.ts'
import { CompileGraph, CompileShow, CompileValidate, ConfigShow, ModesLs, ModesShow } from './schemas/plan.ts'
import { CompileDiff } from './schemas/plan-diff.ts'
import { RunsProvenance } from './schemas/provenance.ts'
import { QueueLs, QueueShow } from './schemas/queue.ts'
import { RescueList, RescueRestore, RescueShow } from './schemas/rescue.ts'
import { RunsLs, RunsShow, RunsTail, RunsTrace } from './schemas/runs.ts'
import { Selftest } from './schemas/selftest.ts'
import { SkillsExport, SkillsLs, SkillsSearch, SkillsShow } from './schemas/skills.ts'
import { Status } from './schemas/status.ts'
import { Failure, Help, WatchEnd } from './schemas/surface.ts'
import { Usage } from './schemas/usage.ts'
import { Why } from './schemas/why.ts'
import { Init, Upgrade } from './schemas/workspace.ts'

type Schema = Record<string, unknown>

const json = (schema: z.ZodType): Schema => z.toJSONSchema(schema) as Schema

/** Members whose names begin with a lane of the plan. */
function withPlaneKeys(schema: z.ZodType, members: Readonly<Record<string, Schema>>): Schema {
  const patterns = Object.entries(members).map(([suffix, member]) => [`^[a-z][a-z0-9_]*${suffix}$`, member])
  return { ...json(schema), patternProperties: Object.fromEntries(patterns) }
}

const COUNT = { type: 'integer', minimum: 0 }
const DEPTH = { ...COUNT, description: 'Items queued for the lane.' }
const ACTIVE = { ...COUNT, description: 'Items active on the lane.' }
const MARKER = { type: 'string', description: 'Marker line of the lane’s status file.' }

export const issuedSchema = (): Schema => json(IssuedCommand)
export const addedSchema = (): Schema => json(AddedWork)
export const initSchema = (): Schema => json(Init)
export const upgradeSchema = (): Schema => json(Upgrade)
export const runOnceSchema = (): Schema => json(RunOnce)
export const runDaemonSchema = (): Schema => json(RunDaemon)
export const startSchema = (): Schema => json(Start)
export const daemonStartSchema = (): Schema => json(DaemonStart)
export const daemonStopSchema = (): Schema => json(DaemonStop)
export const daemonStatusSchema = (): Schema => json(DaemonStatus)
/** Of each line. */
export const daemonLogsSchema = (): Schema => ({ anyOf: [json(DaemonLogLine), json(DaemonLogEnd), json(FollowError)] })
export const daemonUnitSchema = (): Schema => json(DaemonUnit)
export const demoSchema = (): Schema => json(Demo)
export const selftestSchema = (): Schema => json(Selftest)
export const statusSchema = (): Schema => withPlaneKeys(Status, { _queue_depth: DEPTH, _status_marker: MARKER })
/** Of each line. */
export const statusWatchSchema = (): Schema => ({ anyOf: [statusSchema(), json(WatchEnd)] })
export const queueLsSchema = (): Schema => withPlaneKeys(QueueLs, { _queue_depth: DEPTH, _active: ACTIVE })
export const queueShowSchema = (): Schema => json(QueueShow)
export const notifyLsSchema = (): Schema => json(NotifyLs)
export const notifyTestSchema = (): Schema => json(NotifyTest)
export const notifyCheckSchema = (): Schema => json(NotifyCheck)
export const runsLsSchema = (): Schema => json(RunsLs)
export const runsShowSchema = (): Schema => json(RunsShow)
export const runsTraceSchema = (): Schema => json(RunsTrace)
export const runsProvenanceSchema = (): Schema => json(RunsProvenance)
export const runsTailSchema = (): Schema => json(RunsTail)
/** Of each line. */
export const runsFollowSchema = (): Schema => ({ anyOf: [json(FollowRecord), json(FollowEnd), json(FollowError)] })
export const whySchema = (): Schema => json(Why)
export const approvalsLsSchema = (): Schema => json(ApprovalsLs)
export const approvalsShowSchema = (): Schema => json(ApprovalsShow)
export const incidentsLsSchema = (): Schema => json(IncidentsLs)
export const closureLsSchema = (): Schema => json(ClosureLs)
export const closureShowSchema = (): Schema => json(ClosureShow)
/** Of the one value, or with --follow of each line. */
export const logsSchema = (): Schema => ({ anyOf: [json(Logs), json(LoggedEvent), json(LogsEnd), json(FollowError)] })
export const usageSchema = (): Schema => json(Usage)
export const rescueListSchema = (): Schema => json(RescueList)
export const rescueShowSchema = (): Schema => json(RescueShow)
export const rescueRestoreSchema = (): Schema => json(RescueRestore)
export const compileValidateSchema = (): Schema => json(CompileValidate)
export const compileShowSchema = (): Schema => json(CompileShow)
export const compileGraphSchema = (): Schema => json(CompileGraph)
export const compileDiffSchema = (): Schema => json(CompileDiff)
export const modesLsSchema = (): Schema => json(ModesLs)
export const modesShowSchema = (): Schema => json(ModesShow)
export const assetsLsSchema = (): Schema => json(AssetsLs)
export const assetsShowSchema = (): Schema => json(AssetsShow)
export const loopsLsSchema = (): Schema => json(LoopsLs)
export const loopsShowSchema = (): Schema => json(LoopsShow)
export const stagesLsSchema = (): Schema => json(StagesLs)
export const stagesShowSchema = (): Schema => json(StagesShow)
export const modelsLsSchema = (): Schema => json(ModelsLs)
export const modelsShowSchema = (): Schema => json(ModelsShow)
export const skillsLsSchema = (): Schema => json(SkillsLs)
export const skillsShowSchema = (): Schema => json(SkillsShow)
export const skillsSearchSchema = (): Schema => json(SkillsSearch)
export const skillsExportSchema = (): Schema => json(SkillsExport)
export const configShowSchema = (): Schema => json(ConfigShow)
export const doctorSchema = (): Schema => json(Doctor)
export const healthSchema = (): Schema => json(Health)
export const gcSchema = (): Schema => json(Gc)
export const docsSchema = (): Schema => json(Docs)
export const completionSchema = (): Schema => json(Completion)
export const versionSchema = (): Schema => json(Version)
/** With a name the answer is a schema itself, which is open by nature. */
export const schemaSchema = (): Schema => ({
  anyOf: [json(SchemaIndex), { type: 'object', required: ['$schema'], description: 'A JSON Schema.' }],
})
/** What every command gives with --json where it fails, and `--help` with --json. */
export const failureSchema = (): Schema => json(Failure)
export const helpSchema = (): Schema => json(Help)

/**
 * Stage results as they lie in run folders, read in the form in force: those of the Python runtime 0.14 name no node, and
 * its paths are absolute ones of the machine and folder it ran in. Members this version does not know are passed over.
 */
import { isOfPython } from '../core/derived-history.ts'
import { StageResult } from '../core/result.ts'

const RESULT = StageResult.strip()

/** `runDir`: absolute folder of the run the file was found in. Null for what is no stage result. */
export function stageResultIn(value: unknown, runDir: string): StageResult | null {
  const result = RESULT.safeParse(withNode(value)).data ?? null
  return result !== null && isOfPython(result) ? inFolder(result, runDir) : result
}

/** Before nodes had names of their own, a stage stood at the node that is called as it is. */
function withNode(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('stage' in value)) return value
  return { node_id: value.stage, stage_kind_id: value.stage, ...value }
}

/** Files of its run are found where the run folder is now. */
function inFolder(result: StageResult, runDir: string): StageResult {
  const here = (file: string): string => {
    const inside = file.split(`/${result.run_id}/`)
    return inside.length === 2 ? `${runDir}/${inside[1]}` : file
  }
  const hereOrNull = (file: string | null) => (file === null ? null : here(file))
  return {
    ...result,
    report_artifact: hereOrNull(result.report_artifact),
    artifact_paths: result.artifact_paths.map(here),
    stdout_path: hereOrNull(result.stdout_path),
    stderr_path: hereOrNull(result.stderr_path),
  }
}

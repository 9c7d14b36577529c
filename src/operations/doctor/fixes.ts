/**
 * Mending what is safe to mend: missing parts are made, a dead lock is taken over and given back, what a crash cut off is
 * applied or removed, halves of files go. Nothing that a person may have written is touched. Which findings are mended
 * stands in findings.ts; here stands how.
 */
import type { Change } from '../../core/changes.ts'
import { IDLE_MARKER } from '../../core/state.ts'
import { unlinkIfThere } from '../../store/files.ts'
import { lockState } from '../../store/lock.ts'
import { Workspace } from '../../store/workspace.ts'
import { makeMissingFolders, onlyMissing, planUpgrade, upgradeChanges } from '../../store/workspace-upgrade.ts'
import type { Finding, Fix } from '../schemas/doctor.ts'
import type { Examination } from './examination.ts'
import { FINDINGS } from './findings.ts'
import { orphanedTemporaries } from './layout.ts'

/** What would be done about the findings, in their order. */
export function fixesFor(exam: Examination, findings: readonly Finding[]): Fix[] {
  return findings.flatMap((finding) => {
    const { fix } = FINDINGS[finding.code]
    if (fix === null || !isMendable(exam, finding)) return []
    return [{ code: finding.code, path: finding.path, action: fix, applied: false }]
  })
}

/** A code may be reported of things that only a person can mend: a folder that is a file, a lock of another machine. */
function isMendable({ context, files, places }: Examination, { code, path }: Finding): boolean {
  switch (code) {
    case 'missing_directory':
    case 'missing_file':
      // Without a runtime root there is nothing to mend: that is for `init`.
      return files.stat(places.runtime)?.kind === 'directory' && files.stat(`${places.root}/${path}`) === null
    case 'runtime_ownership_lock_stale':
      return lockState({ files, places, processes: context.processes }).state === 'stale'
    default:
      return true
  }
}

/** Carries fixes out, all under the lock. Throws `lock_held` while a runtime owns the workspace. */
export async function carryOut(exam: Examination, fixes: readonly Fix[]): Promise<Fix[]> {
  if (fixes.length === 0) return []
  const { context, places } = exam
  const { packageRoot, version } = context
  // Taking the lock and giving it back already mends a dead one, and what a crash cut off.
  const workspace = await Workspace.open(context, places.root, {
    onFatal: (error) => {
      throw error
    },
  })
  try {
    const { guardedFiles: files } = workspace
    const plan = onlyMissing(planUpgrade({ files, places, packageRoot, version }))
    if (fixes.some(({ code }) => MADE.includes(code))) await makeMissingFolders(files, places, plan)
    const { now, snapshot } = workspace.view()
    const changes: Change[] = [
      ...(fixes.some(({ code }) => MADE.includes(code)) ? upgradeChanges(plan, now, files, places) : []),
      ...fixes.flatMap(({ code, path }): Change[] => {
        const plane = code.endsWith('_status_invalid') ? /([^/]+)_status\.md$/.exec(path ?? '')?.[1] : undefined
        const marker = plane === undefined ? undefined : (snapshot.status_markers_by_plane[plane] ?? IDLE_MARKER)
        return plane === undefined || marker === undefined ? [] : [{ change: 'status.set', plane, marker }]
      }),
    ]
    if (changes.length > 0)
      await workspace.commit([...changes, { change: 'state.set', snapshot: { ...snapshot, updated_at: now } }])
    if (fixes.some(({ code }) => code === 'orphaned_temporary_file'))
      for (const file of orphanedTemporaries(exam)) unlinkIfThere(files, places.at(file))
  } finally {
    await workspace.close()
  }
  return fixes.map((fix) => ({ ...fix, applied: true }))
}

const MADE: readonly string[] = [
  'missing_directory',
  'missing_file',
  'baseline_manifest_missing',
  'baseline_manifest_managed_file_missing',
]

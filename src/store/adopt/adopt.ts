/**
 * Adopting a workspace of the Python runtime 0.14 or 0.16. Documents, run folders and the configuration stay as they are;
 * state is translated, what takes its place elsewhere is kept in `state/pre-upgrade-<id>/`. First everything that is kept
 * is made durable, then one transaction replaces it: killed at any moment and done again, it comes to the same end.
 */
import { type Clock, isoTime } from '../../core/clock.ts'
import type { MillraceError } from '../../core/errors.ts'
import { newSnapshot } from '../../core/state.ts'
import { readConsistently } from '../consistent.ts'
import type { FileOperation } from '../file-operation/file-operation.ts'
import { type Files, unlinkIfThere } from '../files.ts'
import { guarded } from '../guarded.ts'
import { ItemIndex } from '../items.ts'
import { Journal } from '../journal.ts'
import { AT, journalFile, type Places, WORKSPACE_FOLDERS } from '../layout.ts'
import { lockState, type Processes } from '../lock.ts'
import { lower } from '../lower.ts'
import { overlay } from '../overlay.ts'
import { adoptRecord, pendingRecord } from '../pending.ts'
import { type Lock, takeLock } from '../take-lock.ts'
import { snapshotRevision } from '../view.ts'
import type { Differing } from './documents.ts'
import { keepFolders, writeKept } from './keeping.ts'
import { pythonLock } from './lock.ts'
import type { AdoptionStep } from './steps.ts'
import { type Installed, type Work, workOf } from './work.ts'

/** Taking over a workspace of the Python runtime. */
export interface Adoption {
  from: Work['from']
  /** Where everything that is replaced or goes is kept, relative to the runtime root. */
  keptIn: string
  steps: AdoptionStep[]
  /** Documents that are read otherwise than before; their bytes stay. */
  differing: Differing[]
  /** The files as they will be, for reading. */
  after: Files
}

export interface AdoptionPorts {
  files: Files
  clock: Clock
  processes: Processes
  installed: Installed
  /** Ends the process when a commit could neither be made nor taken back. */
  onFatal: (error: MillraceError) => never
}

/**
 * What adopting would do; null where there is nothing to adopt. Changes nothing. Throws `lock_held` while the old runtime
 * lives, `workspace_unsupported` for a version that cannot be adopted, `state_newer`, `state_corrupt`.
 */
export function adoptionOf(ports: AdoptionPorts, places: Places): Adoption | null {
  const { clock, installed, processes } = ports
  return readConsistently(ports.files, places, (files) => {
    const now = clock.now()
    const work = workOf(files, places, installed, now)
    if (work === null) return null
    const lock = pythonLock(files, places, processes)
    const aside = { action: 'set_aside' as const, path: AT.lockFile, note: lock?.note ?? '' }
    const { from, keptIn, steps, differing } = work
    const record = { revision: 1, generation: 0, operations: operationsOf(files, places, work, now) }
    return {
      from,
      keptIn,
      steps: lock === null ? steps : [...steps, aside],
      differing,
      after: overlay(files, places.runtime, record),
    }
  })
}

/** Adopts the workspace; what there was to do, or null if nothing was. Throws as `adoptionOf` does, and `conflict`. */
export async function applyAdoption(ports: AdoptionPorts, places: Places): Promise<Adoption | null> {
  const adoption = adoptionOf(ports, places)
  if (adoption === null && !isHalfDone(ports, places)) return null
  if (adoption !== null) await setLockAside(ports, places, adoption.keptIn)
  const lock = await takeLock({ ...ports, places })
  try {
    await adoptUnder(lock, ports, places)
  } finally {
    await lock.release()
  }
  return adoption
}

/** Decided and on record, but not carried out: whoever adopted it died. The next runtime would bring it to its end too. */
const isHalfDone = (ports: AdoptionPorts, places: Places): boolean =>
  pendingRecord(ports.files, places) !== null && lockState({ ...ports, places }).state === 'stale'

/** Its copy is durable before it goes. Whoever comes between finds a workspace that nobody holds, as it is. */
async function setLockAside({ files, processes }: AdoptionPorts, places: Places, keptIn: string): Promise<void> {
  const lock = pythonLock(files, places, processes)
  if (lock === null) return
  await writeKept(files, places, [{ path: `${keptIn}/${AT.lockFile}`, bytes: lock.bytes }])
  unlinkIfThere(files, places.at(AT.lockFile))
}

async function adoptUnder(lock: Lock, ports: AdoptionPorts, places: Places): Promise<void> {
  const files = guarded(ports.files, lock.guard)
  await adoptRecord(files, places, lock)
  const journal = new Journal({
    files: ports.files,
    root: places.runtime,
    file: journalFile(lock.generation),
    generation: lock.generation,
    guard: lock.guard,
    onFatal: ports.onFatal,
  })
  await journal.recover(() => snapshotRevision(files, places))
  const now = ports.clock.now()
  const work = workOf(files, places, ports.installed, now)
  if (work === null) return
  await keepFolders(files, places, WORKSPACE_FOLDERS)
  await writeKept(files, places, work.kept)
  await journal.commit({ revision: 1, operations: operationsOf(files, places, work, now) })
}

/** What goes, then what is put: the snapshot last, which says that all of it has happened. */
function operationsOf(
  files: Files,
  places: Places,
  { removed, unclaimed, changes, known }: Work,
  now: Date,
): FileOperation[] {
  const index = new ItemIndex(files, places, () => now.getTime())
  const lowered = lower({ files, places, index, known, now: isoTime(now) }, changes, newSnapshot(isoTime(now)))
  return [
    ...removed.map(({ path, hash }): FileOperation => ({ op: 'remove', path, hash })),
    ...unclaimed,
    ...lowered.operations,
  ]
}

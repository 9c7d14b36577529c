/**
 * Whether the files a plan was compiled from still say the same. They are read and hashed, unless the derived copy of
 * their stamps tells that none was touched since that was last done.
 */
import * as path from 'node:path'
import type { Plan } from '../core/plan.ts'
import { isSettled, stampOf, writeDerived } from './derived.ts'
import { type FileStat, type Files, hashBytes, readText } from './files.ts'
import { PLAN_SOURCES, type Places } from './layout.ts'

export interface Assets {
  files: Files
  places: Places
  /** Root of the packaged assets, each of which the workspace may replace by one of its own. */
  packageRoot: string
}

type Sourced = Pick<Plan, 'compiled_plan_id' | 'resolved_assets'>

/** True if every asset the plan was made from is the same text now. */
export function areSourcesUnchanged(assets: Assets, plan: Sourced): boolean {
  try {
    const stats = statsOf(assets, plan)
    const known = stats === null ? null : readText(assets.files, assets.places.at(PLAN_SOURCES))
    return (known !== null && known === stampsOf(plan, stats!)) || areHashesEqual(assets, plan)
  } catch {
    return false // a folder in place of a file, or no permission: the compiler says what is wrong with it
  }
}

/**
 * Keeps the stamps of what the plan was made from, for whoever asks next. For the holder of the lock; nothing depends on
 * whether it works out. False if a source was touched a moment ago, so that it is worth trying again.
 */
export function keepPlanSources(assets: Assets, plan: Sourced, nowMs: number): boolean {
  const { files, places } = assets
  try {
    const stats = statsOf(assets, plan)
    if (stats === null) return true
    const stamps = stampsOf(plan, stats)
    if (readText(files, places.at(PLAN_SOURCES)) === stamps) return true
    if (!stats.every((stat) => isSettled(stat, nowMs))) return false
    if (areHashesEqual(assets, plan)) writeDerived(files, places, PLAN_SOURCES, stamps, nowMs)
    return true
  } catch {
    return true
  }
}

const stampsOf = (plan: Sourced, stats: readonly FileStat[]): string =>
  [plan.compiled_plan_id, ...stats.map((stat, at) => `${plan.resolved_assets[at]!.path} ${stampOf(stat)}`), ''].join(
    '\n',
  )

/** Null unless each asset is a plain file: what a link leads to changes without a trace in the link. */
function statsOf({ files, places, packageRoot }: Assets, plan: Sourced): FileStat[] | null {
  const stats: FileStat[] = []
  for (const asset of plan.resolved_assets) {
    const stat = files.stat(places.at(asset.path)) ?? files.stat(path.join(packageRoot, asset.path))
    if (stat?.kind !== 'file') return null
    stats.push(stat)
  }
  return stats
}

function areHashesEqual({ files, places, packageRoot }: Assets, plan: Sourced): boolean {
  return plan.resolved_assets.every((asset) => {
    const bytes = files.read(places.at(asset.path)) ?? files.read(path.join(packageRoot, asset.path))
    return bytes !== null && hashBytes(bytes) === asset.content_sha256
  })
}

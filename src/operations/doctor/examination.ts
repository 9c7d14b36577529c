/** What the checks of doctor share: the ports, the places, and how a finding is written. Each check is a function of this. */
import * as path from 'node:path'
import type { Files } from '../../store/files.ts'
import type { Places } from '../../store/layout.ts'
import { type Context, placesIn } from '../context.ts'
import type { Finding } from '../schemas/doctor.ts'
import type { CodeAt, Level } from './findings.ts'

export interface Examination {
  context: Context
  files: Files
  places: Places
  now: Date
}

export function examination(context: Context): Examination {
  return { context, files: context.files, places: placesIn(context), now: context.clock.now() }
}

type Said = { path?: string | null; message: string; remedy?: string | null }

const finding =
  <L extends Level>(level: L) =>
  (code: CodeAt<L>, { path: file = null, message, remedy = null }: Said): Finding => ({
    level,
    code,
    path: file,
    message,
    remedy,
  })

export const error = finding('error')
export const warning = finding('warning')
export const remark = finding('info')

/** A place below the runtime root as findings name it: relative to the workspace. */
export const named = ({ places }: Examination, relative: string): string =>
  path.relative(places.root, places.at(relative))

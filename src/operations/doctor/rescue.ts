/** Check of the protection of the user's edits: whether working trees can be kept before stages. */
import { findRepository } from '../../engine/git.ts'
import type { Finding } from '../schemas/doctor.ts'
import { type Examination, remark } from './examination.ts'

export async function checkRescue({ context }: Examination): Promise<Finding[]> {
  const found = await findRepository(context, context.workspaceRoot)
  if (found.on) return []
  const message = `Working trees are not kept before stages, so an edit that an agent undoes is lost: ${found.reason}`
  return [remark('rescue_off', { path: '.', message, remedy: found.remedy })]
}

/**
 * A disk that refuses what the runtime asks of it: nothing is wrong with the work, and trying again later is all there is
 * to do. What one file refuses (a missing permission) is not among it: that holds the run which needs the file.
 */
const REFUSALS = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'EMFILE', 'ENFILE', 'ENOMEM', 'ESTALE'])

const codeOf = (error: unknown): string => String((error as NodeJS.ErrnoException | null)?.code)

export const isRefusal = (error: unknown): boolean => REFUSALS.has(codeOf(error))

/** Whether the disk, or one file on it, refused: no fault of the agent that was to be started. */
export const isDiskError = (error: unknown): boolean => isRefusal(error) || ['EACCES', 'EPERM'].includes(codeOf(error))

const BACKOFF_MS = 500
const BACKOFF_MS_MAX = 30_000

/** How long to leave the disk alone after the nth refusal in a row, from 1. */
export const backoffMs = (refusals: number): number =>
  Math.min(BACKOFF_MS_MAX, BACKOFF_MS * 2 ** Math.min(refusals - 1, 10))

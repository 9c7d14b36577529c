/** No daemon is started while a person says by a file that none shall run. */
import { MillraceError } from '../core/errors.ts'
import { STOP_FILES, stopFilesIn } from '../store/stop-files.ts'
import { type Context, placesIn } from './context.ts'

/** Throws `stop_file`. */
export async function refuseStopFile(context: Context): Promise<void> {
  if (!stopFilesIn(context.files, placesIn(context)).includes('stop')) return
  const [{ configOrDefaults }, { isWatched }] = await Promise.all([
    import('./reading.ts'),
    import('../core/watch-config.ts'),
  ])
  if (!isWatched(configOrDefaults(context).watchers, 'stop_files')) return
  throw new MillraceError(
    'stop_file',
    `${STOP_FILES.stop} lies in the workspace: somebody wants no daemon to run here.`,
    {
      hint: `to go on, remove it: rm ${STOP_FILES.stop}`,
    },
  )
}

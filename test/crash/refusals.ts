/**
 * A disk that refuses: each call a story makes of it, of reading too, is answered with an error once; the runtime ends
 * or waits it out as it sees fit; and with the cause gone the work must come to its end as in peace.
 */
import { asMillraceError } from '../../src/core/errors.ts'
import type { Files } from '../../src/core/files.ts'
import { brokenInTheEnd, brokenNow, postedIn, recover } from '../../src/selftest/crash-table.ts'
import { faultyFiles } from '../../src/selftest/faulty-files.ts'
import { type Installation, type Machine, machine, ROOT } from '../../src/selftest/scene.ts'
import type { FolderNode } from '../../src/selftest/simulated-disk.ts'
import { beginning, carryOn, type Story } from '../../src/selftest/story.ts'
import { AT, placesOf } from '../../src/store/layout.ts'

export const ERROR_CODES = ['ENOSPC', 'EIO', 'EACCES', 'EMFILE', 'EROFS'] as const
export type DiskErrorCode = (typeof ERROR_CODES)[number]

type Call = Exclude<keyof Files, 'watch' | 'open' | 'close'>

const READING: ReadonlySet<Call> = new Set(['read', 'readRange', 'stat', 'list', 'realpath', 'freeBytes'])
const CALLS: readonly Call[] = [
  ...READING,
  'makeFolder',
  'write',
  'append',
  'truncate',
  'rename',
  'link',
  'unlink',
  'removeFolder',
  'flush',
]

/** Errors that a call of this kind can give: nothing is out of space for being read. */
const MAY_GIVE = (call: Call): readonly DiskErrorCode[] =>
  READING.has(call) ? ['EIO', 'EACCES', 'EMFILE'] : ERROR_CODES

/** `files`, with a look at each call before it is made: an error code makes it fail with that, and nothing of it is done. */
function refusing(files: Files, refuse: (call: Call, path: string) => DiskErrorCode | null): Files {
  const wrapped = { ...files }
  for (const call of CALLS) {
    const carryOut = files[call] as (...given: unknown[]) => unknown
    const refusable = (...given: unknown[]): unknown => {
      const path = String(call === 'flush' ? (given[0] as string[])[0] : given[0])
      const code = refuse(call, path)
      if (code === null) return carryOut(...given)
      const error = Object.assign(new Error(`${code}: ${call} '${path}'`), { code, path })
      if (call === 'flush') return Promise.reject(error)
      throw error
    }
    Object.assign(wrapped, { [call]: refusable })
  }
  return wrapped
}

export interface RefusalReport {
  story: string
  /** Calls of the story when nothing is refused. */
  calls: number
  /** Calls times errors that were tried. */
  refusals: number
  /** Runtimes that ended for it, rather than wait. */
  ended: number
  broken: string[]
}

/**
 * Tells the story once for each call and each error it can give. `isChosen` narrows the calls down (their number, whether
 * it only reads, how many there are); `lasts` is how many calls in a row are refused.
 */
export async function refuseEverywhere(
  installation: Installation,
  story: Story,
  isChosen: (number: number, isReading: boolean, calls: number) => boolean = () => true,
  lasts = 1,
): Promise<RefusalReport> {
  const calls: { call: Call; path: string }[] = []
  const before = await beginning(installation, story)
  const commands = postedIn(before)
  const inPeace: End = { tree: before.disk.top, ended: 0 }
  const peace = () => machine(installation, FAR, 1, inPeace.tree)
  await told(installation, story, inPeace, (files) =>
    refusing(files, (call, path) => {
      calls.push({ call, path })
      return null
    }),
  )
  const report: RefusalReport = { story: story.name, calls: calls.length, refusals: 0, ended: 0, broken: [] }
  for (const [number, { call, path }] of calls.entries()) {
    if (!isChosen(number, READING.has(call), calls.length)) continue
    for (const code of MAY_GIVE(call)) {
      let made = 0
      const refused = (files: Files) =>
        refusing(files, () => {
          made += 1
          if (made > calls.length * ROUNDS_MAX) throw new Error('it does not come to an end')
          return made > number && made <= number + lasts ? code : null
        })
      report.refusals += 1
      const where = `${code} at call ${number} (${call} ${path}) of the story "${story.name}"`
      const end: End = { tree: before.disk.top, ended: 0 }
      let problem: string | null = null
      try {
        await told(installation, story, end, refused)
      } catch (error) {
        problem = (error as Error).message
      }
      // A disk that still refused when the last runtime ended left its last transaction to the next one.
      const after = machine(installation, FAR, 1, end.tree)
      await recover(after)
      // An operator whose command was answered with a sentence gives it again; nobody does so in a story.
      const broken =
        refusedIn(after) > refusedIn(peace())
          ? brokenNow(after, story)
          : problem === null
            ? brokenInTheEnd(after, story, commands)
            : [problem]
      if (broken.length > 0) report.broken.push(`${where}: ${broken.join('; ')}`)
      report.ended += end.ended
    }
  }
  return report
}

/** A story that takes so many times the calls it takes in peace goes on for ever. */
const ROUNDS_MAX = 10

/** A life after all those of the story. */
const FAR = 50

interface End {
  tree: FolderNode
  ended: number
}

/** Tells the story from the tree of `end`, its runtimes seeing the disk through `through`, its agents as it is. */
async function told(
  installation: Installation,
  story: Story,
  end: End,
  through: (files: Files) => Files,
): Promise<void> {
  await carryOn(installation, story, 1, (life) => {
    const on = machine(installation, life, 1, end.tree)
    end.tree = on.disk.top
    const mortal = faultyFiles({}, on.disk)
    return {
      on,
      files: through(mortal.files),
      onFatal: mortal.kill,
      agentFiles: on.disk,
      // With the cause in a sentence; anything else is a defect, and would be told as one.
      mayEndWith(error) {
        end.ended += 1
        return mortal.crashed || asMillraceError(error).code !== 'internal'
      },
    }
  })
}

const refusedIn = ({ disk }: Machine): number => (disk.list(placesOf(ROOT).at(AT.failed)) ?? []).length

/** A disk that asks before it changes anything. */
import type { Files } from './files.ts'

/**
 * `files`, with `guard` asked right before every call that changes a file or a name; what it throws is thrown instead.
 * Flushing and making folders change nothing anybody reads.
 */
export function guarded(files: Files, guard: () => void): Files {
  const asking =
    <Given extends unknown[]>(change: (...given: Given) => void) =>
    (...given: Given): void => {
      guard()
      change(...given)
    }
  return {
    ...files,
    write: asking(files.write),
    append: asking(files.append),
    truncate: asking(files.truncate),
    rename: asking(files.rename),
    link: asking(files.link),
    unlink: asking(files.unlink),
    removeFolder: asking(files.removeFolder),
  }
}

/** The packaged assets, read once: they do not change, and every runtime that starts reads them all. */
import type { Files } from '../../src/core/files.ts'

export function quickly(disk: Files): Files {
  const once = <Found>(read: (file: string) => Found): ((file: string) => Found) => {
    const known = new Map<string, Found>()
    return (file) => {
      if (!known.has(file)) known.set(file, read(file))
      return known.get(file)!
    }
  }
  return { ...disk, read: once(disk.read), stat: once(disk.stat), list: once(disk.list) }
}

/**
 * The files port: what the disk can do for us. The store implements it for real; runners, engine and operations receive
 * it, so that tests can count, fail or stop any operation. Reading a path that is not there gives null; every other
 * trouble throws the system error.
 */

export type FileKind = 'file' | 'directory' | 'link' | 'other'

export interface FileStat {
  kind: FileKind
  bytes: number
  /** Nanoseconds since the epoch, as a decimal string (too large for a number). */
  mtimeNs: string
  mtimeMs: number
  /** When the file, its names or its rights last changed, in nanoseconds: unlike the mtime, nobody can set it. */
  ctimeNs: string
  inode: string
  device: string
  /** Permission bits. */
  mode: number
}

export interface Files {
  read(file: string): Uint8Array | null
  /** Reads at most `length` bytes from `offset`. */
  readRange(file: string, offset: number, length: number): Uint8Array | null
  /** Does not follow a link. */
  stat(file: string): FileStat | null
  /** Names in a folder, unsorted; null if there is no such folder. */
  list(folder: string): string[] | null
  realpath(file: string): string | null
  /** Creates a folder and its parents; gives the topmost one that was created, or null if all were there. */
  makeFolder(folder: string): string | null
  /** Creates or truncates. `exclusive` fails with EEXIST instead of truncating. */
  write(file: string, bytes: Uint8Array | string, options?: { exclusive?: boolean; mode?: number }): void
  append(file: string, bytes: Uint8Array | string): void
  truncate(file: string, bytes: number): void
  rename(from: string, to: string): void
  /** Hard link; fails with EEXIST if `to` is there. */
  link(from: string, to: string): void
  unlink(file: string): void
  /** Removes an empty folder. */
  removeFolder(folder: string): void
  /** Makes the content of files and the entries of folders durable: one flush round, whatever the count. */
  flush(paths: readonly string[]): Promise<void>
  /** Free bytes on the device of a path. */
  freeBytes(file: string): number
  /** Calls back on changes directly in a folder, best effort: the polling floor notices what this misses. */
  watch(folder: string, onChange: (file: string | null) => void): () => void
  /** Opens for a child process to write or read; the caller closes it. */
  open(file: string, mode: 'read' | 'append'): number
  close(descriptor: number): void
}

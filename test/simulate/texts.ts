/**
 * What people wrote. Each text carries a mark at its beginning and its end, so that it is found wherever it lies: in a
 * document, kept beside one, in a command, or in a transaction that is being made. It may go only where whoever may
 * replaces it.
 */
import type { DiskNode, FolderNode } from '../../src/selftest/simulated-disk.ts'

interface Text {
  what: string
  /** It was flushed, or somebody answered for it: no loss of power may take it away. */
  isFirm: boolean
}

const MARK = /mark-(\d+)-(begins|ends)/g

export class Texts {
  private readonly known = new Map<number, Text>()
  private count = 0

  /** Marks for a new text, to be written at its beginning and its end; it is to be kept from now on. */
  mark(what: string, isFirm: boolean): { begin: string; end: string; number: number } {
    this.count += 1
    this.known.set(this.count, { what, isFirm })
    return { begin: `mark-${this.count}-begins`, end: `mark-${this.count}-ends`, number: this.count }
  }

  /** Marks for a text that nobody need keep before `keep` is told of it. */
  markOnly(): { begin: string; end: string; number: number } {
    const marks = this.mark('', false)
    this.forget(marks.number)
    return marks
  }

  keep(number: number, what: string): void {
    this.known.set(number, { what, isFirm: true })
  }

  /** The texts in these bytes are replaced by somebody who may. */
  replace(bytes: Uint8Array | null): void {
    for (const number of wholeIn(bytes)) this.known.delete(number)
  }

  /** Whoever wrote the texts in these bytes did not flush what they did to them. */
  loosen(bytes: Uint8Array | null): void {
    for (const number of wholeIn(bytes)) this.set(number, false)
  }

  firm(number: number): void {
    this.set(number, true)
  }

  forget(number: number): void {
    this.known.delete(number)
  }

  /** After a loss of power: what is gone that was not firm was nobody's duty to keep; all else lies on the disk. */
  survive(top: FolderNode): void {
    // What was just being written may be whole, and yet not count.
    const found = textsOn(top, (name) => name.startsWith('.') || name.startsWith('journal.'))
    for (const [number, text] of [...this.known]) {
      if (found.has(number)) this.set(number, true)
      else if (!text.isFirm) this.known.delete(number)
    }
  }

  /** Every text that is nowhere, as sentences. */
  missing(top: FolderNode): string[] {
    const found = textsOn(top)
    return [...this.known]
      .filter(([number]) => !found.has(number))
      .map(([number, { what }]) => `the text ${number} (${what}) is lost`)
  }

  private set(number: number, isFirm: boolean): void {
    const text = this.known.get(number)
    if (text) text.isFirm = isFirm
  }
}

const seen = new WeakMap<Uint8Array, readonly number[]>()

/** Numbers of the texts that are whole in these bytes; a disk never changes bytes in place. */
export function wholeIn(bytes: Uint8Array | null): readonly number[] {
  if (bytes === null) return []
  const known = seen.get(bytes)
  if (known) return known
  const begun = new Set<string>()
  const whole: number[] = []
  for (const [, number, side] of Buffer.from(bytes).toString('latin1').matchAll(MARK)) {
    if (side === 'begins') begun.add(number!)
    else if (begun.has(number!)) whole.push(Number(number))
  }
  seen.set(bytes, whole)
  return whole
}

function textsOn(top: FolderNode, isLeftOut: (name: string) => boolean = () => false): Set<number> {
  const found = new Set<number>()
  const walk = (node: DiskNode) => {
    if (node.kind === 'folder') for (const [name, child] of node.entries) isLeftOut(name) || walk(child)
    else for (const number of wholeIn(node.bytes)) found.add(number)
  }
  walk(top)
  return found
}

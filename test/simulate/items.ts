/** Where items lie, by the names in the folders alone, and what is to be expected of them. */
import type { Files } from '../../src/core/files.ts'
import { ITEM_KINDS, ITEM_STATES, type ItemKind, type ItemState } from '../../src/core/item.ts'
import { archiveFolders, itemFolder, type Places } from '../../src/store/layout.ts'

const ARCHIVED = /^(.+)\.\d{8}T\d{6}Z\.[0-9a-f]{8}\.[a-z]+\.md$/

export interface Place {
  kind: ItemKind
  id: string
  state: ItemState
  /** Relative to the runtime root. */
  file: string
}

export function placesOfItems(files: Files, places: Places): Place[] {
  return ITEM_KINDS.flatMap((kind) =>
    [
      ...ITEM_STATES.filter((state) => state !== 'cancelled').map((state) => [state, itemFolder(kind, state)] as const),
      ...archiveFolders(kind).map(({ folder }) => ['cancelled', folder] as const),
    ].flatMap(([state, folder]) =>
      (files.list(places.at(folder)) ?? [])
        .filter((name) => name.endsWith('.md') && !name.startsWith('.'))
        .sort()
        .map((name) => ({ kind, id: ARCHIVED.exec(name)?.[1] ?? name.slice(0, -3), state, file: `${folder}/${name}` })),
    ),
  )
}

export class ItemLedger {
  /** `<kind> <id>` of items that somebody was told are there. */
  private readonly expected = new Set<string>()
  /** Of these people have moved, taken or spoiled the file: where they lie is theirs to answer for. */
  private readonly touched = new Set<string>()
  /** The same, should power be lost now. */
  private readonly unflushed = new Set<string>()

  expect(key: string): void {
    this.expected.add(key)
  }

  touch(key: string): void {
    this.touched.add(key)
  }

  isTouched(key: string): boolean {
    return this.touched.has(key)
  }

  whenPowerGoes(key: string): void {
    this.unflushed.add(key)
  }

  isFlushed(key: string): void {
    this.unflushed.delete(key)
  }

  powerGoes(): void {
    for (const key of this.unflushed) this.touched.add(key)
    this.unflushed.clear()
  }

  /** What is in no place, or in several, as sentences. */
  broken(found: readonly Place[]): string[] {
    const states = new Map<string, ItemState[]>()
    for (const { kind, id, state } of found)
      states.set(`${kind} ${id}`, [...(states.get(`${kind} ${id}`) ?? []), state])
    const several = [...states]
      .filter(([key, where]) => !this.touched.has(key) && where.filter((state) => state !== 'cancelled').length > 1)
      .map(([key, where]) => `${key} is ${where.join(' and ')}`)
    const nowhere = [...this.expected]
      .filter((key) => !this.touched.has(key) && !states.has(key))
      .map((key) => `${key} is nowhere`)
    return [...several, ...nowhere]
  }
}

/** Work documents are never rewritten; where they are read otherwise than by the Python runtime, that is told. */
import * as path from 'node:path'
import { faultsText, listField, parseDocumentBytes } from '../../core/document.ts'
import { ITEM_KINDS } from '../../core/item.ts'
import { type Files, utf8 } from '../files.ts'
import { itemFolder, type Places } from '../layout.ts'
import { look } from '../look.ts'

/** A document, relative to the runtime root, and what is different about it. */
export interface Differing {
  path: string
  note: string
}

const STATES = ['queued', 'active', 'done', 'blocked'] as const
const PLACEHOLDER = /^[ \t]*-[ \t]+(none|n\/a|-)[ \t]*\r?$/im

/** `dropsPlaceholders`: whether its runtime took a list item `none` for nothing, as 0.16 does and we do. */
export function differingDocuments(files: Files, places: Places, dropsPlaceholders: boolean): Differing[] {
  return ITEM_KINDS.flatMap((kind) =>
    STATES.flatMap((state) => {
      const folder = itemFolder(kind, state)
      const names = (files.list(places.at(folder)) ?? []).filter((name) => name.endsWith('.md')).sort()
      return names.flatMap((name) => {
        const found = look(files, places.at(path.join(folder, name)))
        const tell = (note: string): Differing[] => [{ path: `${folder}/${name}`, note }]
        if (found === null || found === 'other') return []
        const parsed = parseDocumentBytes(kind, found.bytes)
        if (!parsed.ok) return tell(`cannot be read: ${faultsText(parsed.faults)}`)
        const text = utf8.decode(found.bytes)
        const nothing = !dropsPlaceholders && listField(parsed.document, 'depends_on').length === 0
        if (nothing && /^Depends-On:/m.test(text) && PLACEHOLDER.test(text))
          return tell('depends on nothing: its `none` is no id of a task any more')
        if (text.startsWith('\uFEFF')) return tell('its byte order mark is passed over; it could not be claimed before')
        return []
      })
    }),
  )
}

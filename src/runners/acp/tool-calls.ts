/**
 * Tool calls of an agent of the Agent Client Protocol. Each is told piece by piece (`tool_call`, then updates that name
 * only what changed) and some are first heard of when the agent asks for permission: this puts the pieces together.
 */
import { clip } from '../../core/clip.ts'
import { type Fields, fieldsOf, textOf } from '../fields.ts'

export interface ToolCall {
  /** What it does to the world: `read`, `edit`, `execute` and so on; `other` where the agent does not say. */
  kind: string
  title: string
  status: string | null
  /** Files the agent says it concerns, as it names them. */
  paths: readonly string[]
}

interface ToolCalls {
  /** Takes what is told of a call: the whole of it so far, and whether it is heard of for the first time. */
  told(call: Fields): { id: string | null; call: ToolCall; isNew: boolean }
}

/** Beyond this many the oldest call is forgotten: it has long ended. */
const CALLS_MAX = 1000
const PATHS_MAX = 100
const TITLE_CHARS_MAX = 500
const KIND_CHARS_MAX = 50
/** Names under which agents hand the file to their tools. */
const PATH_INPUTS = ['file_path', 'filePath', 'path', 'abs_path']

export function toolCalls(): ToolCalls {
  const known = new Map<string, ToolCall>()
  return {
    told(fields) {
      const id = textOf(fields.toolCallId)
      const before = id === null ? undefined : known.get(id)
      const paths = pathsOf(fields)
      const call: ToolCall = {
        kind: clip(textOf(fields.kind) ?? before?.kind ?? 'other', KIND_CHARS_MAX),
        title: clip(textOf(fields.title) ?? before?.title ?? '', TITLE_CHARS_MAX),
        status: textOf(fields.status) ?? before?.status ?? null,
        paths: paths.length > 0 ? paths : (before?.paths ?? []),
      }
      if (id !== null) known.set(id, call)
      if (known.size > CALLS_MAX) known.delete(known.keys().next().value!)
      return { id, call, isNew: id === null || before === undefined }
    },
  }
}

function pathsOf(call: Fields): string[] {
  const named = [...listOf(call.locations), ...listOf(call.content)].map((part) => part.path)
  const input = fieldsOf(call.rawInput) ?? {}
  return [...named, ...PATH_INPUTS.map((name) => input[name])].flatMap((path) => textOf(path) ?? []).slice(0, PATHS_MAX)
}

/** The objects among the members of a list. */
export const listOf = (value: unknown): Fields[] =>
  Array.isArray(value) ? value.map(fieldsOf).filter((member) => member !== null) : []

/** What an agent does while it works, in one form for every harness: for the live view, and for rules that stop it. */
import { clip } from '../core/clip.ts'

export type AgentEvent =
  /** A finished message, or a finished piece of one. */
  | { event: 'message'; text: string }
  | { event: 'reasoning'; text: string }
  | { event: 'tool_started'; id: string | null; tool: string; detail: string }
  | { event: 'tool_ended'; id: string | null; tool: string; ok: boolean; detail: string }
  /** The harness tries a failed request again by itself. */
  | { event: 'retry'; text: string }
  | { event: 'warning'; text: string }
  /** A line of a program that prints text and no events. */
  | { event: 'output'; text: string }

/** A line on a terminal; the whole is in the event log. */
const TEXT_CHARS_MAX = 500

/** Text of an event, bounded; empty for whatever is no text. */
export const told = (value: unknown): string => (typeof value === 'string' ? clip(value, TEXT_CHARS_MAX) : '')

/**
 * What a scripted model answers: turns, and the choice of the turn for one request. Pure and stateless, so that a
 * client's retry gets the same turn again. Knows no model API; those say what a turn looks like on the wire.
 */

/** Tokens a turn reports. `inputTokens` includes the cached ones, `outputTokens` the reasoning ones. */
export interface Usage {
  inputTokens: number
  cachedInputTokens: number
  outputTokens: number
  reasoningTokens: number
}

export const DEFAULT_USAGE: Usage = { inputTokens: 100, cachedInputTokens: 20, outputTokens: 10, reasoningTokens: 4 }

/** One function call as the API offers it, for tools that are no shell. */
export interface FunctionCall {
  name: string
  namespace?: string
  arguments: Record<string, unknown>
}

export type Turn =
  /** Runs a shell command with the tool the client offers for it, after saying something if `say` is set. */
  | { turn: 'shell'; command: string; say?: string; delayMs?: number; usage?: Usage }
  | { turn: 'call'; call: FunctionCall; say?: string; delayMs?: number; usage?: Usage }
  /** Ends the client's turn. A function gets the outputs of all tool calls so far, oldest first. */
  | { turn: 'text'; text: string | ((toolOutputs: readonly string[]) => string); delayMs?: number; usage?: Usage }
  | { turn: 'http_error'; status: number; headers?: Record<string, string>; body?: unknown; delayMs?: number }
  /** Cuts the connection before anything is answered. */
  | { turn: 'drop'; delayMs?: number }
  /** Opens the stream and then sends nothing more. */
  | { turn: 'hang'; delayMs?: number }
  /** Sends part of a text and ends the stream without saying that it is complete. */
  | { turn: 'truncate'; text: string; delayMs?: number }
  /** A different turn for each request at this step ("fail first, then succeed"); the last one stays. */
  | { turn: 'in_sequence'; turns: readonly Exclude<Turn, { turn: 'in_sequence' }>[] }

export type SingleTurn = Exclude<Turn, { turn: 'in_sequence' }>

/** Turns by stage kind, or a function of the prompt. Turn n answers a request that carries n tool results. */
export type Script = Readonly<Record<string, readonly Turn[]>> | ((promptText: string) => readonly Turn[])

/** Value of a `Label: value` line of a Millrace prompt; null if the line is missing or says `none`. */
export function contextLine(promptText: string, label: string): string | null {
  for (const line of promptText.split('\n')) {
    if (!line.startsWith(`${label}:`)) continue
    const value = line.slice(label.length + 1).trim()
    return value === '' || value === 'none' ? null : value
  }
  return null
}

/** The turn for a prompt and a number of tool results, or a sentence saying why there is none. */
export function chooseTurn(script: Script, promptText: string, toolResults: number): Turn | string {
  const stage = contextLine(promptText, 'Stage Kind ID')
  const turns = typeof script === 'function' ? script(promptText) : stage === null ? undefined : script[stage]
  if (!turns) return `the script has no turns for stage ${stage ?? '(the prompt has no line "Stage Kind ID")'}`
  return (
    turns[toolResults] ??
    `the script of stage ${stage ?? '(none)'} has ${turns.length} turns, turn ${toolResults + 1} was asked for`
  )
}

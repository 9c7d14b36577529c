/** What an agent under test is to do, whatever its protocol and its model: turn n follows n results of tools. */

export type SingleTurn =
  /** Runs a shell command with the tool the harness has for it, after saying something if `say` is set. */
  | { turn: 'shell'; command: string; say?: string }
  /** Says the final message. */
  | { turn: 'text'; text: string }
  /** The provider refuses. */
  | { turn: 'http_error'; status: number; headers?: Record<string, string>; body?: unknown }
  /** The answer breaks off in the middle. */
  | { turn: 'truncate'; text: string }
  /** No answer ever comes. */
  | { turn: 'hang' }

export type Turn = SingleTurn | { turn: 'in_sequence'; turns: readonly SingleTurn[] }

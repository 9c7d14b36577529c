/**
 * Harnesses that need a living partner on stdin (Pi in RPC mode, agents of the Agent Client Protocol). The partner is a
 * program of ours, the driver (driver.ts), started by the keeper like any one-shot harness: it reads the prompt on stdin,
 * speaks the protocol, and prints the event lines. So such an agent outlives the runtime as well, is followed, stopped,
 * swept and adopted by the one way all others are. What is particular about a protocol is here: a pure machine from lines
 * to messages.
 */
import type { Command } from '../harness.ts'

export interface Step {
  /** Messages to send, one line each, without their end. */
  send?: readonly string[]
  /** What to print into the event log in place of the line; null for nothing. The line itself by default. */
  log?: string | null
  /** For a line that comes too often to be kept (with `log: null`): printed if nothing else was for a second. */
  alive?: string
  /** Set once the work is over: the driver closes the harness and exits with this status. */
  over?: 0 | 1
  /** Wait so long for another line before the work counts as over with this status; every later line takes it back. */
  overAfter?: { ms: number; status: 0 | 1 }
}

export interface Protocol {
  /** What to send once the program runs. */
  begin(prompt: string): Step
  /** A line the program printed, without its end; `truncated` if it was too long and this is only its beginning. */
  line(text: string, truncated: boolean): Step
  /** What to send to stop the work politely; the driver goes on reading for a moment. */
  abort(): Step
}

/** What the driver is told, as one JSON argument before `--` and the command line of the harness. */
export interface DriverOptions {
  protocol: 'pi' | 'acp'
  /** Settings of the protocol. */
  settings: Record<string, unknown>
  /** Time the program gets to print its first line, in milliseconds. */
  startMs: number
}

/** The command line that starts the driver at `driver` with a harness; without the harness it is not started either. */
export function driven(
  driver: string,
  options: DriverOptions,
  harness: readonly [program: string, ...args: string[]],
): Pick<Command, 'argv' | 'needs'> {
  return { argv: [process.execPath, driver, JSON.stringify(options), '--', ...harness], needs: harness[0] }
}

/** Text that somebody else wrote (titles, ids, file names) must not steer the operator's terminal. */

const STEERING = /\u001b(?!\[[0-9;]*m)|[\u0000-\u001a\u001c-\u001f\u007f-\u009f]/g

/** On one line, and without control characters except colours. */
export function safeText(text: string): string {
  return text.replace(/\s*[\r\n]+\s*/g, ' ').replace(STEERING, '')
}

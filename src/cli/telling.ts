/** Shows the records of an operation that follows something, one by one, and last how it ended. */
import type { Look } from './look.ts'
import type { Output } from './output.ts'

const UP_AND_CLEAR = '\u001b[1A\u001b[2K'

interface Telling {
  json: boolean
  terminal: boolean
  look: () => Look
  /** One line for a record; an empty text for one that is not shown. */
  render: (record: object, look: Look) => string
  output: Output
}

/** Of these only the newest is shown, on the last line of a terminal. */
const isPassing = (record: object): boolean => 'event' in record && record.event === 'progress'

/** Gives what takes a record; it resolves once the record has left this process. */
export function telling({ json, terminal, look, render, output }: Telling): (record: object) => Promise<void> {
  let isLastPassing = false
  return async (record) => {
    if (json) output.line(record)
    else {
      const text = render(record, look())
      if (text === '') return
      output.text(`${isLastPassing ? UP_AND_CLEAR : ''}${text}\n`)
      isLastPassing = terminal && isPassing(record)
    }
    await output.written()
  }
}

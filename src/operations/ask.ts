/** The port by which an operation asks a person; the command line implements it, on a terminal only. */

export interface Option {
  value: string
  label: string
  /** Shown beside the one under the cursor. */
  hint?: string
}

/** Every question throws `interrupted` where the person wants no more of it. */
export interface Ask {
  /** A line of text, trimmed; `required` is what is said where it is left empty. */
  line(message: string, options?: { suggested?: string; required?: string }): Promise<string>
  /** Lines until an empty one. The suggested one is offered first, to be taken, changed or emptied. */
  lines(message: string, options?: { suggested?: string; required?: string }): Promise<string[]>
  one(message: string, options: readonly Option[]): Promise<string>
  several(message: string, options: readonly Option[]): Promise<string[]>
  show(title: string, text: string): void
  agree(message: string): Promise<boolean>
}

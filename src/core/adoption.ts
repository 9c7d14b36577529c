/** What becomes of the files of a workspace that is adopted from another runtime. */
export const ADOPTION_ACTIONS = [
  /** Kept as it is, beside what takes its place. */
  'keep',
  'translate',
  /** A result that was never routed: the next runtime settles it, once. */
  'settle',
  /** A stage that was interrupted: its node runs again. */
  'run_again',
  'go_on',
  /** The item goes back to its queue. */
  'give_back',
  /** A command that waits in the mailbox. */
  'carry_out',
  'set_aside',
  'leave',
] as const
export type AdoptionAction = (typeof ADOPTION_ACTIONS)[number]

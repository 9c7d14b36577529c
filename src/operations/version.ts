/** The version: what runs here. */
import type { Operation } from '../core/operation.ts'
import type { Context } from './context.ts'

export interface VersionOutput {
  name: 'millrace'
  version: string
  /** Version of Node.js that runs it. */
  node: string
  platform: string
}

export const version: Operation<Context, Record<string, never>, VersionOutput> = {
  name: 'version',
  flavour: 'read',
  summary: 'Name and version.',
  description: 'Prints the name and version of the package; with --json also what it runs on. Needs no workspace.',
  input: [],
  examples: [{ command: 'millrace version', does: 'print the version' }],
  output: async () => (await import('./schemas.ts')).versionSchema(),
  async run(context) {
    const platform = `${process.platform} ${process.arch}`
    return { name: 'millrace', version: context.version, node: process.version, platform }
  },
}

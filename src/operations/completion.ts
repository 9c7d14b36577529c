/** The script that teaches a shell to complete our command lines; what completes is asked of the command line itself. */
import * as path from 'node:path'
import { MillraceError } from '../core/errors.ts'
import type { Operation } from '../core/operation.ts'
import { readText } from '../store/files.ts'
import type { Context } from './context.ts'
import type { CompletionOutput } from './schemas/docs.ts'

type Shell = CompletionOutput['shell']

const SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: 'millrace.bash',
  zsh: 'millrace.zsh',
  fish: 'millrace.fish',
  powershell: 'millrace.ps1',
}

export const completion: Operation<Context, { shell: Shell }, CompletionOutput> = {
  name: 'completion',
  flavour: 'read',
  summary: 'Let your shell complete verbs, options, ids and files.',
  description:
    'Prints a script for your shell. For good: `source <(millrace completion bash)` in ~/.bashrc, the same with zsh in ~/.zshrc after compinit; `millrace completion fish > ~/.config/fish/completions/millrace.fish`; `millrace completion powershell | Out-String | Invoke-Expression` in $PROFILE. Then Tab completes verbs, options and their values, and the ids of items, runs, plans and modes of the workspace at hand.',
  input: [
    {
      name: 'shell',
      type: 'choice',
      choices: Object.keys(SCRIPTS),
      positional: true,
      required: true,
      placeholder: 'SHELL',
      description: 'Which shell: bash, zsh, fish or powershell.',
    },
  ],
  examples: [
    { command: 'millrace completion bash >> ~/.bashrc', does: 'from the next shell on' },
    { command: 'millrace completion fish > ~/.config/fish/completions/millrace.fish', does: 'the same for fish' },
  ],
  output: async () => (await import('./schemas.ts')).completionSchema(),
  async run({ files, packageRoot }, { shell }) {
    const file = path.join(packageRoot, 'completion', SCRIPTS[shell])
    const script = readText(files, file)
    if (script === null) throw new MillraceError('internal', `${file} is missing from the installation.`)
    return { shell, script }
  },
}

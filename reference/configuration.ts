/** The page on millrace.toml: every key with its default, and when a change of it takes effect. */
import { configKeys, NEW_CONFIG } from '../src/core/config.ts'
import { code, page, table } from './markdown.ts'

export function configurationPage(): string {
  const keys = configKeys()
  const sections = [...new Set(keys.map(({ key }) => sectionOf(key)))]
  return page(
    'Configuration',
    'One file, `millrace-agents/millrace.toml`. An unknown key is refused with the nearest known one. `millrace config show` says which value is in force and where it comes from, `millrace config set KEY VALUE` changes one and keeps your comments, `--set KEY=VALUE` overrides one for a single command, and `millrace config validate` checks the file. `*` stands for a name you choose.',
    'A change takes effect at the *boundary* of its key: `tick`, at once; `claim`, with the next item that is taken up; `restart`, with the next start of the runtime. `millrace config reload` has a daemon read the file.',
    `\`millrace init\` writes:\n\n\`\`\`toml\n${NEW_CONFIG.trimEnd()}\n\`\`\``,
    ...sections.flatMap((section) => [
      `## ${section}`,
      table(
        ['key', 'default', 'boundary', ''],
        keys
          .filter(({ key }) => sectionOf(key) === section)
          .map(({ key, default: fallback, boundary, description }) => [
            code(key),
            fallback === undefined || fallback === null ? '–' : code(JSON.stringify(fallback)),
            boundary,
            description,
          ]),
      ),
    ]),
  )
}

/** `runners.codex.env` stands under `runners.codex`, `runners.default_runner` under `runners`. */
const sectionOf = (key: string): string => key.split('.').slice(0, -1).slice(0, 2).join('.')

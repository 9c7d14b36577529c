/** The page on millrace.toml: every key there is or was, with its default, and when a change of it takes effect. */
import { NEW_CONFIG } from '../src/core/config.ts'
import { type ConfigKeyRow, configReference } from '../src/operations/config/reference.ts'
import { code, page, table } from './markdown.ts'

export function configurationPage(): string {
  const rows = configReference()
  const works = rows.filter(({ kind }) => kind === 'works')
  const sections = [...new Set(works.map(({ key }) => sectionOf(key)))]
  return page(
    'Configuration',
    'One file, `millrace-agents/millrace.toml`. An unknown key is refused with the nearest known one. `millrace config show` says which value is in force and where it comes from, `millrace config set KEY VALUE` changes one and keeps your comments, `--set KEY=VALUE` overrides one for a single command, and `millrace config validate` checks the file. `*` stands for a name you choose.',
    'A change takes effect at the *boundary* of its key: `tick`, at once; `claim`, with the next item that is taken up; `restart`, with the next start of the runtime. `millrace config reload` has a daemon read the file now.',
    `\`millrace init\` writes:\n\n\`\`\`toml\n${NEW_CONFIG.trimEnd()}\n\`\`\``,
    ...sections.flatMap((section) => [
      `## ${section}`,
      table(
        ['key', 'takes', 'default', 'boundary', ''],
        works.filter(({ key }) => sectionOf(key) === section).map(worksRow),
      ),
    ]),
    ...kindBlocks('Other spellings', 'Understood as the key they stand for; both at once are an error.', 'alias', rows),
    ...kindBlocks('Not carried', 'Refused, with the reason. Take them out of the file.', 'not carried', rows),
  )
}

const worksRow = ({ key, type, default: fallback, boundary, description }: ConfigKeyRow): string[] => [
  code(key),
  type ?? '',
  fallback === null ? '–' : code(fallback),
  boundary ?? '',
  description,
]

function kindBlocks(title: string, says: string, kind: ConfigKeyRow['kind'], rows: readonly ConfigKeyRow[]): string[] {
  const own = rows.filter((row) => row.kind === kind)
  if (own.length === 0) return []
  return [
    `## ${title}`,
    says,
    table(
      ['key', ''],
      own.map(({ key, description }) => [code(key), description]),
    ),
  ]
}

/** `runners.codex.env` stands under `runners.codex`, `runners.default_runner` under `runners`. */
const sectionOf = (key: string): string => key.split('.').slice(0, -1).slice(0, 2).join('.')

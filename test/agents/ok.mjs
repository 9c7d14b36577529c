// Does its work: reads the whole prompt, keeps a copy of it, says something on both outputs, ends with the marker.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const prompt = readFileSync(0, 'utf8')
writeFileSync(join(process.env.MILLRACE_RUN_DIR, 'seen-prompt.md'), prompt)
writeFileSync(join(process.env.MILLRACE_RUN_DIR, 'seen-environment.json'), JSON.stringify(process.env))
process.stderr.write('a warning that means nothing\n')
process.stdout.write('Changed two files.\n\n### BUILDER_COMPLETE\n')

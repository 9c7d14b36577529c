/** Writes the pages into docs/reference of the repository named as argument, and removes what is no page of it any more. */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { referencePages } from './pages.ts'

const repository = process.argv[2] ?? process.cwd()
const folder = path.join(repository, 'docs/reference')
const pages = await referencePages(repository)
const old = fs.existsSync(folder) ? (fs.readdirSync(folder, { recursive: true }) as string[]) : []
for (const name of old) {
  const file = path.join(folder, name)
  if (fs.statSync(file).isFile() && !pages.has(name.replaceAll(path.sep, '/'))) fs.rmSync(file)
}
for (const [name, text] of pages) {
  const file = path.join(folder, name)
  fs.mkdirSync(path.dirname(file), { recursive: true })
  fs.writeFileSync(file, text)
}
process.stdout.write(`${pages.size} pages in ${folder}\n`)

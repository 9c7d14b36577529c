/** Every page of docs/reference by its path there. All of it comes from the code and the assets; nothing is written by hand. */
import * as path from 'node:path'
import { parseFamilies } from '../src/core/assets.ts'
import { readAssets } from '../src/store/catalogue.ts'
import { disk } from '../src/store/files.ts'
import { commandsPage } from './commands.ts'
import { configurationPage } from './configuration.ts'
import { entrypointsPage } from './entrypoints.ts'
import { errorsPage } from './errors.ts'
import { eventsPage } from './events.ts'
import { loopsPage } from './loops.ts'
import { schemaPages } from './schemas.ts'

/** `repository`: the folder with `assets/`. */
export async function referencePages(repository: string): Promise<Map<string, string>> {
  const families = parseFamilies(readAssets(disk, path.join(repository, 'assets'), null))
  return new Map([
    ['cli.md', await commandsPage()],
    ['configuration.md', configurationPage()],
    ['entrypoints.md', entrypointsPage(families)],
    ['errors.md', errorsPage()],
    ['events.md', eventsPage()],
    ['modes-and-loops.md', loopsPage(families)],
    ...(await schemaPages()),
  ])
}

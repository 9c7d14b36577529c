// Lists a folder and reads every file in it; prints the milliseconds that took.
import * as fs from 'node:fs'
import path from 'node:path'

const [folder] = process.argv.slice(2)
const begun = performance.now()
let bytes = 0
for (const name of fs.readdirSync(folder)) bytes += fs.readFileSync(path.join(folder, name)).length
const ended = performance.now()
if (bytes === 0) throw new Error(`nothing in ${folder}`)
console.log(ended - begun)

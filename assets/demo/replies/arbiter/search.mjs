// Looks for a bill whose parts do not add up, among 60 000 that no test names. Run in the project folder.
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const { splitByShares } = await import(pathToFileURL(resolve('src/split.js')).href)
const shareLists = [
  [1], [1, 1, 1, 1, 1, 1, 1], [7, 3], [2, 3, 5], [0, 1, 0, 2], [97, 89, 83], [1, 1000], [10, 20, 30, 40],
  [3, 3, 3, 1], [11, 13, 17, 19, 23], [999, 1], [6, 0, 28, 496],
]
const wrong = []
for (const shares of shareLists) {
  for (let cents = 10_000; cents < 15_000; cents++) {
    const amounts = splitByShares(cents, shares)
    const sum = amounts.reduce((total, amount) => total + amount, 0)
    const freeRider = amounts.some((amount, person) => shares[person] === 0 && amount !== 0)
    if (sum !== cents || freeRider) wrong.push(`${cents} by ${shares.join(':')} gives ${amounts.join(' + ')}`)
  }
}
console.log(`- bills searched ${shareLists.length * 5000}, wrong ${wrong.length}`)
for (const line of wrong.slice(0, 5)) console.log(`- ${line}`)
process.exitCode = wrong.length === 0 ? 0 : 1

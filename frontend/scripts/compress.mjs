// Fails the build when the page's scripts outgrow their budget.
import { readdir, readFile } from 'node:fs/promises'
import process from 'node:process'
import { gzipSync } from 'node:zlib'

const budget = 250_000
const assets = new URL('../dist/assets/', import.meta.url)

let total = 0
for (const name of (await readdir(assets)).filter((name) => name.endsWith('.js'))) {
  total += gzipSync(await readFile(new URL(name, assets))).length
}
console.log(`scripts: ${(total / 1000).toFixed(1)} kB compressed of ${budget / 1000} kB`)
if (total > budget) {
  console.error('the scripts are over their budget')
  process.exitCode = 1
}

// Writes each text file's twins in brotli and gzip, and fails the build when the page's scripts outgrow their budget.
import { readdir, readFile, writeFile } from 'node:fs/promises'
import process from 'node:process'
import { brotliCompressSync, gzipSync } from 'node:zlib'

const budget = 250_000
const dist = new URL('../dist/', import.meta.url)

let scripts = 0
for (const name of await readdir(dist, { recursive: true })) {
  if (!/\.(css|html|js|svg)$/.test(name)) {
    continue
  }
  const text = await readFile(new URL(name, dist))
  const compressed = brotliCompressSync(text)
  await writeFile(new URL(`${name}.br`, dist), compressed)
  await writeFile(new URL(`${name}.gz`, dist), gzipSync(text, { level: 9 }))
  scripts += name.endsWith('.js') ? compressed.length : 0
}
console.log(`scripts: ${(scripts / 1000).toFixed(1)} kB compressed of ${budget / 1000} kB`)
if (scripts > budget) {
  console.error('the scripts are over their budget')
  process.exitCode = 1
}

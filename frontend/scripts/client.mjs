// Keeps src/api/schema.d.ts equal to what api/openapi.json says: `--write` makes it so, without it a difference fails.
import { readFile, writeFile } from 'node:fs/promises'
import process from 'node:process'
import openapi, { astToString } from 'openapi-typescript'

const document = new URL('../../api/openapi.json', import.meta.url)
const target = new URL('../src/api/schema.d.ts', import.meta.url)

// A field that the server fills in by default need not be sent.
const options = { defaultNonNullable: false }
const header = '// Generated from api/openapi.json by `npm run generate`.\n\n'
const expected = header + astToString(await openapi(document, options))

if (process.argv.includes('--write')) {
  await writeFile(target, expected)
} else if ((await readFile(target, 'utf8')) !== expected) {
  console.error('src/api/schema.d.ts is older than api/openapi.json; run `npm run generate`')
  process.exitCode = 1
}

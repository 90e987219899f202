import { expect, type Page, test } from '@playwright/test'
import { expectNoBarriers, surround, surroundings } from './barriers'
import { endAll, openPage } from './stack'

test.afterEach(async ({ request }) => {
  await endAll(request)
})

const mib = 1_048_576
const row = (page: Page, model: string) => page.locator(`[data-model="${model}"]`)

/**
 * A models directory that answers as the API does. The stack's own has nothing to import, and a test that pulls or removes
 * would need the net, or take a model from the tests after it.
 */
async function library(page: Page) {
  const painter = {
    name: 'far-painter',
    architecture: 'Z-Image',
    licence: 'MIT',
    size: 40 * mib,
    files: [{ path: 'far/painter.gguf', state: 'missing' }],
    operation: undefined as object | undefined,
  }
  const brush = { path: 'new/brush.gguf', size: 17 * mib, kind: 'checkpoint', presets: [] }
  const broken = { path: 'broken.gguf', size: 2, presets: [], problem: 'it is neither GGUF nor safetensors' }
  const held = {
    name: 'held-painter',
    architecture: 'Z-Image',
    licence: 'MIT',
    size: 17 * mib,
    files: [{ path: 'held.gguf', state: 'here' }],
  }
  const importing: object[] = []
  const operation = (change: object) => ({
    model: painter.name,
    kind: 'pull',
    state: 'running',
    done: 10 * mib,
    total: painter.size,
    started_at: new Date().toISOString(),
    ...change,
  })
  const files = [{ path: 'held.gguf', size: 17 * mib, presets: ['demo'], model: held.name }]
  const refuse = (status: number, detail: string, more: object = {}) => ({
    status,
    contentType: 'application/problem+json',
    json: { type: 'urn:mystic:problem:x', title: 'No', status, detail, ...more },
  })
  await page.route('**/api/v1/models**', async (route) => {
    const [method, path] = [route.request().method(), new URL(route.request().url()).pathname.slice(14)]
    switch (`${method} ${path}`) {
      case 'GET ':
        return route.fulfill({
          json: { files, catalogue: [painter, held], importable: [broken, brush], importing },
        })
      case 'POST /far-painter/pull':
        painter.operation = operation({})
        return route.fulfill({ status: 202, json: painter.operation })
      case 'DELETE /far-painter/pull':
        painter.operation = operation({ state: 'cancelled', ended_at: new Date().toISOString() })
        return route.fulfill({ json: painter.operation })
      case 'DELETE /held-painter':
        return route.fulfill(refuse(409, 'held-painter is needed by 2 unfinished jobs of preset demo.'))
      case 'POST /import': {
        const { name } = route.request().postDataJSON() as { name?: string }
        if (name !== undefined) {
          return route.fulfill(refuse(422, 'name is taken; allowed: another', { field: 'name' }))
        }
        const begun = operation({ model: 'brush', kind: 'import', done: 0 })
        importing.push(begun)
        return route.fulfill({ status: 202, json: begun })
      }
      default:
        return route.fulfill(refuse(404, `Nothing is at ${path}.`))
    }
  })
  return {
    /** What has come of the pull. */
    set: (change: object, state = 'missing') => {
      painter.operation = operation(change)
      painter.files = painter.files.map(({ path }) => ({ path, state }))
    },
  }
}

test('a model is verified, and removed only after a question', async ({ page }) => {
  await openPage(page, '/models')
  const painter = row(page, 'demo-painter')
  await painter.getByRole('button', { name: 'Verify: demo-painter' }).click()
  await expect(painter.getByText('Verified: each file is as the catalogue says.')).toBeVisible()
  await painter.getByRole('button', { name: 'Remove: demo-painter' }).click()
  const question = page.getByRole('alertdialog', { name: 'Remove demo-painter?' })
  await expect(question).toContainText('No worker can serve demo any more until it is back.')
  await question.getByRole('button', { name: 'Leave it' }).click()
  await expect(painter).toContainText('Here')
})

test('a pull shows how far it is, is cancelled, gone on with, fails and succeeds', async ({ page }) => {
  const models = await library(page)
  await openPage(page, '/models')
  const painter = row(page, 'far-painter')
  await painter.getByRole('button', { name: 'Pull: far-painter' }).click()
  const bar = painter.getByRole('progressbar', { name: 'Progress: far-painter' })
  await expect(bar).toHaveAttribute('aria-valuetext', 'Comes: 10 MiB of 40 MiB, 25 %')
  models.set({ done: 20 * mib })
  await expect(bar).toHaveAttribute('aria-valuenow', '50')
  await painter.getByRole('button', { name: 'Cancel: far-painter' }).click()
  await expect(painter).toContainText('Cancelled at 10 MiB of 40 MiB. What has come is kept')
  await painter.getByRole('button', { name: 'Go on: far-painter' }).click()
  await expect(bar).toBeVisible()
  models.set({ state: 'failed', error: 'the source has another file' })
  await expect(painter).toContainText('The pull failed. The source has another file.')
  await painter.getByRole('button', { name: 'Try again: far-painter' }).click()
  models.set({ state: 'done', done: 40 * mib }, 'here')
  await expect(painter).toContainText('Pulled, each file as the catalogue says.')
  await expect(painter.getByRole('button', { name: /^Pull/ })).toHaveCount(0)

  const held = row(page, 'held-painter')
  await held.getByRole('button', { name: 'Remove: held-painter' }).click()
  await page.getByRole('alertdialog').getByRole('button', { name: 'Remove it' }).click()
  await expect(held.getByRole('alert')).toHaveText(
    'held-painter is needed by 2 unfinished jobs of preset demo.',
  )
})

test('a file is imported; what is refused stands at its field', async ({ page }) => {
  await library(page)
  await openPage(page, '/models')
  await expect(page.locator('[data-importable="broken.gguf"]').getByRole('button')).toHaveCount(0)
  await page.getByRole('button', { name: 'Import… new/brush.gguf' }).click()
  const dialog = page.getByRole('dialog', { name: 'Import brush.gguf' })
  await dialog.getByLabel('Name').fill('demo-painter')
  await page.keyboard.press('Enter')
  await expect(dialog.getByLabel('Name')).toHaveAttribute('aria-invalid', 'true')
  await expect(dialog).toContainText('name is taken; allowed: another')
  await dialog.getByLabel('Name').fill('')
  await dialog.getByRole('button', { name: 'Import', exact: true }).click()
  await expect(dialog).toHaveCount(0)
  await expect(page.getByText('brush is being taken in.')).toBeVisible()
  await expect(page.getByRole('progressbar', { name: 'Progress: brush' })).toBeVisible()
})

for (const around of surroundings) {
  test(`models at work have no barrier at ${around.name}`, async ({ page }) => {
    await surround(page, around)
    const models = await library(page)
    models.set({ done: 25 * mib })
    await openPage(page, '/models')
    await expect(page.getByRole('progressbar', { name: 'Progress: far-painter' })).toBeVisible()
    await expectNoBarriers(page)
    await page.locator('#catalogue-title').scrollIntoViewIfNeeded()
    await page.screenshot({
      path: `screenshots/library-${around.width}-${around.colorScheme}.png`,
      fullPage: true,
    })
    await page.getByRole('button', { name: 'Import… new/brush.gguf' }).click()
    await expectNoBarriers(page)
    await page.screenshot({ path: `screenshots/import-${around.width}-${around.colorScheme}.png` })
  })
}

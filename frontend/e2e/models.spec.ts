import { expect, test } from '@playwright/test'
import { expectNoBarriers, surround, surroundings } from './barriers'
import { endAll, openPage, pictureOf, submit } from './stack'

test.afterEach(async ({ request }) => {
  await endAll(request)
  for (const name of ['demo-two', 'demo-nowhere']) {
    await request.delete(`/api/v1/presets/${name}`)
  }
})

test('a preset is copied, refused by its field, created, served, changed and retired', async ({
  page,
  request,
}) => {
  await openPage(page, '/models')
  await page.getByRole('button', { name: 'Copy demo', exact: true }).click()
  const editor = page.getByRole('dialog', { name: 'New preset' })
  await editor.getByLabel('Name', { exact: true }).first().fill('demo-two')
  await editor.getByLabel('Title').fill('The second painter')
  const most = editor.getByLabel('Most steps')
  await most.fill('many')
  await editor.getByRole('button', { name: 'Create' }).click()
  await expect(most).toHaveAttribute('aria-invalid', 'true')
  await most.fill('20')
  await expect(most).toHaveAttribute('aria-invalid', 'false')
  await editor.getByRole('button', { name: 'Create' }).click()
  await expect(editor).toHaveCount(0)
  await expect(page.getByRole('status').filter({ hasText: 'demo-two is kept.' })).toBeVisible()
  const card = page.locator('[data-preset="demo-two"]')
  await expect(card).toContainText('The second painter')
  await expect(card).toContainText('Serves it')

  await card.getByRole('button', { name: 'Edit' }).click()
  const change = page.getByRole('dialog', { name: 'Preset demo-two' })
  await change.getByLabel('Title').fill('Painter, renamed')
  await change.getByRole('button', { name: 'Save' }).click()
  await expect(card).toContainText('Painter, renamed')
  const { limits } = (await (await request.get('/api/v1/presets/demo-two')).json()) as { limits: object }
  expect(limits).toMatchObject({ max_steps: 20, max_side: 128 })

  await card.getByRole('button', { name: 'Retire' }).click()
  await page.getByRole('alertdialog').getByRole('button', { name: 'Retire it' }).click()
  await expect(card).toHaveCount(0)
  expect((await request.get('/api/v1/presets/demo-two')).status()).toBe(404)
})

test('a preset whose file is nowhere says so, and why no worker serves it', async ({ page }) => {
  await openPage(page, '/models')
  await page.getByRole('button', { name: 'Copy demo', exact: true }).click()
  const editor = page.getByRole('dialog', { name: 'New preset' })
  await editor.getByLabel('Name', { exact: true }).first().fill('demo-nowhere')
  await editor.getByLabel('Checkpoint').fill('nowhere.gguf')
  await editor.getByRole('button', { name: 'Create' }).click()
  await expect(page.getByRole('status').filter({ hasText: 'nowhere.gguf' })).toBeVisible()
  await expect(page.locator('[data-preset="demo-nowhere"]')).toContainText(/Can’t serve it: .*nowhere\.gguf/)
})

test('the models directory and its catalogue are shown', async ({ page, request }) => {
  const { files, catalogue } = (await (await request.get('/api/v1/models')).json()) as {
    files: { path: string }[]
    catalogue: { name: string; licence: string }[]
  }
  expect(files.length).toBeGreaterThan(0)
  await openPage(page, '/models')
  for (const { path } of files) {
    await expect(page.locator(`[data-file="${path}"]`)).toContainText(/(MiB|KiB|GiB)/)
  }
  for (const { name, licence } of catalogue) {
    await expect(page.locator(`[data-model="${name}"]`)).toContainText(licence)
  }
})

for (const around of surroundings) {
  test(`presets and models have no barrier at ${around.name}`, async ({ page, request }) => {
    await surround(page, around)
    await pictureOf(request, await submit(request, { prompt: 'a red circle' }))
    await openPage(page, '/models')
    const card = page.locator('[data-preset="demo"]')
    await card.getByText(/^Limits/).click()
    await expect(card).toContainText('booked')
    await expectNoBarriers(page)
    await page.screenshot({
      path: `screenshots/models-${around.width}-${around.colorScheme}.png`,
      fullPage: true,
    })
    await card.getByRole('button', { name: 'Edit' }).click()
    const editor = page.getByRole('dialog', { name: 'Preset demo' })
    await editor.getByRole('button', { name: 'Add a LoRA' }).click()
    await editor.getByText('How it is loaded').click()
    await expectNoBarriers(page)
    await page.screenshot({ path: `screenshots/preset-${around.width}-${around.colorScheme}.png` })
  })
}

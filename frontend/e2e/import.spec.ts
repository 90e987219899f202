import { expect, type Page, test } from '@playwright/test'
import { expectNoBarriers, surround, surroundings } from './barriers'
import { openPage } from './stack'

/** A picture that no test before has made: a PNG of the browser's own, of its own colours. */
async function file(page: Page, name: string) {
  const url = await page.evaluate(() => {
    const canvas = document.createElement('canvas')
    ;[canvas.width, canvas.height] = [32, 32]
    const context = canvas.getContext('2d')
    for (let at = 0; context && at < 32; at += 1) {
      context.fillStyle = `rgb(${[0, 0, 0].map(() => Math.floor(Math.random() * 256)).join(' ')})`
      context.fillRect(at, 0, 1, 32)
    }
    return canvas.toDataURL('image/png')
  })
  return { name, mimeType: 'image/png', buffer: Buffer.from(url.split(',')[1] ?? '', 'base64') }
}
const broken = { name: 'broken.png', mimeType: 'image/png', buffer: Buffer.from('no picture') }

test('pictures are imported, known again, and one that is none is refused by its name', async ({
  page,
  request,
}) => {
  await openPage(page, '/gallery')
  const [one, two] = [await file(page, 'one.png'), await file(page, 'two.png')]
  const accepted = page.waitForResponse((it) => it.url().endsWith('/images/import') && it.status() === 201)
  await page.getByLabel('Pictures to import').setInputFiles([one, broken, two])
  const { id, origin } = (await (await accepted).json()) as { id: string; origin: string }
  expect(origin).toBe('import')
  await expect(page.getByRole('status').filter({ hasText: '2 pictures imported.' })).toBeVisible()
  await expect(page.getByRole('list', { name: 'Not imported' })).toContainText('broken.png')
  await page.getByRole('button', { name: 'Put this list away' }).click()
  await expect(page.getByRole('list', { name: 'Not imported' })).toHaveCount(0)
  await expect(page.locator(`[data-image="${id}"]`)).toBeVisible()

  await page.getByLabel('Pictures to import').setInputFiles([one])
  await expect(page.getByRole('status').filter({ hasText: '1 picture was here already.' })).toBeVisible()
  await page.locator(`[data-image="${id}"] .open`).click()
  await expect(page.getByRole('dialog').getByText('It was imported, so there is no receipt')).toBeVisible()
  await request.delete(`/api/v1/images/${id}`)
})

for (const around of surroundings) {
  test(`an import has no barrier at ${around.name}`, async ({ page }) => {
    await surround(page, around)
    await openPage(page, '/gallery')
    await page.getByLabel('Pictures to import').setInputFiles([broken])
    await expect(page.getByRole('list', { name: 'Not imported' })).toBeVisible()
    await expectNoBarriers(page)
    await page.screenshot({
      path: `screenshots/import-pictures-${around.width}-${around.colorScheme}.png`,
    })
  })
}

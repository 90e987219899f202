import { expect, test } from '@playwright/test'
import { expectNoBarriers, surround, surroundings } from './barriers'
import { endAll, openPage, pictureOf, submit } from './stack'

test.afterEach(async ({ request }) => {
  await endAll(request)
})

test('a job’s pictures are found, opened and left by the back button', async ({ page, request }) => {
  const job = await submit(request, { prompt: 'a green square', batch: 3, steps: 1 })
  const { id } = await pictureOf(request, job)
  await openPage(page, `/gallery?job=${job}`)
  await expect(page.locator('[data-image]')).toHaveCount(3)
  await page.locator(`[data-image="${id}"]`).getByRole('button').click()
  await expect(page.getByRole('dialog').getByRole('img')).toBeVisible()
  await page.goBack()
  await expect(page.getByRole('dialog')).toHaveCount(0)
  await expect(page).toHaveURL(new RegExp(`job=${job}$`))

  await page.getByRole('button', { name: `Remove Job: ${job}` }).click()
  await page.getByLabel('Search', { exact: true }).fill('"green square" -zebra')
  await page.keyboard.press('Enter')
  await expect(page.locator(`[data-image="${id}"]`)).toBeVisible()
  await page.getByLabel('Search', { exact: true }).fill('zebra')
  await page.keyboard.press('Enter')
  await expect(page.getByText('No picture is like that.')).toBeVisible()
  await page.reload()
  await expect(page.getByText('No picture is like that.')).toBeVisible()
})

test('only the pictures in sight are mounted, and all are reached', async ({ page, request }) => {
  const job = await submit(request, { prompt: 'a red circle', batch: 12, steps: 1 })
  await pictureOf(request, job)
  await page.setViewportSize({ width: 390, height: 400 })
  await openPage(page, `/gallery?job=${job}`)
  await expect(page.locator('[data-image]').first()).toBeVisible()
  expect(await page.locator('[data-image]').count()).toBeLessThan(12)
  const seen = new Set<string | undefined>()
  await expect
    .poll(async () => {
      for (const id of await page
        .locator('[data-image]')
        .evaluateAll((all) => all.map((one) => (one as HTMLElement).dataset.image))) {
        seen.add(id)
      }
      await page.mouse.wheel(0, 200)
      return seen.size
    })
    .toBe(12)
})

for (const around of surroundings) {
  test(`the gallery has no barrier at ${around.name}`, async ({ page, request }) => {
    await surround(page, around)
    const { id } = await pictureOf(request, await submit(request, { prompt: 'a red circle' }))
    await openPage(page, '/gallery?preset=demo')
    await expect(page.locator(`[data-image="${id}"] .tag`).first()).toBeVisible()
    await expectNoBarriers(page)
    await page.screenshot({ path: `screenshots/gallery-${around.width}-${around.colorScheme}.png` })
  })
}

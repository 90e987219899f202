import { expect, type Page, test } from '@playwright/test'
import { expectNoBarriers, surround, surroundings } from './barriers'
import { endAll, openPage, pictureOf, submit } from './stack'

test.afterEach(async ({ request }) => {
  await endAll(request)
})

const dialog = (page: Page) => page.getByRole('dialog')

test('a picture is verified: drawn again it has the same pixels, and nothing is left of that', async ({
  page,
  request,
}) => {
  const { id } = await pictureOf(request, await submit(request, { prompt: 'a red circle' }))
  await openPage(page, `/gallery?image=${id}`)
  await dialog(page).getByText('Receipt', { exact: true }).click()
  const files = dialog(page).getByRole('list', { name: 'Files that it was made with' })
  await expect(files.getByRole('listitem')).toHaveCount(1)
  await expect(files).toContainText('Checkpoint, Tiny autoencoder')
  await expect(files).toContainText(/[0-9a-f]{64}/)

  const accepted = page.waitForResponse((it) => it.url().endsWith(`/images/${id}/verify`))
  await dialog(page).getByRole('button', { name: 'Verify', exact: true }).click()
  const job = (await (await accepted).json()) as { id: string; parent_image: string }
  expect(job.parent_image).toBe(id)
  await expect(dialog(page).getByText('Drawn again, it has the same pixels.')).toBeVisible()
  await expect
    .poll(async () => {
      const shown = (await (await request.get(`/api/v1/jobs/${job.id}`)).json()) as { images: object[] }
      return shown.images.length
    })
    .toBe(0)
  await expect(dialog(page).getByRole('button', { name: 'Verify again' })).toBeEnabled()
})

test('a verification is cancelled, and what differs is said', async ({ page, request }) => {
  const job = await submit(request, { prompt: 'a green square', steps: 20 })
  const { id } = await pictureOf(request, job)
  // As if it had been made by another version and on another pixel: the stack itself always draws the same.
  await page.route(`**/images/${id}/receipt`, async (route) => {
    const receipt = (await (await route.fetch()).json()) as { made_with: object }
    const made_with = { ...receipt.made_with, version: '0.0.9' }
    await route.fulfill({ json: { ...receipt, pixels_sha256: '0'.repeat(64), made_with } })
  })
  await openPage(page, `/gallery?image=${id}`)
  await dialog(page).getByText('Receipt', { exact: true }).click()
  await dialog(page).getByRole('button', { name: 'Verify', exact: true }).click()
  await dialog(page).getByRole('button', { name: 'Cancel: drawing it again' }).click()
  await expect(dialog(page).getByText('Cancelled.')).toBeVisible()

  await dialog(page).getByRole('button', { name: 'Verify again' }).click()
  await expect(dialog(page).getByText('Drawn again, it has other pixels.')).toBeVisible()
  await expect(dialog(page).getByRole('list', { name: 'What differs' })).toHaveText(
    /Engine: 0\.0\.9; now 0\./,
  )
  await expectNoBarriers(page)
  await dialog(page).getByRole('link', { name: 'Both side by side' }).click()
  await expect(page.getByRole('list', { name: 'Pictures side by side' }).getByRole('img')).toHaveCount(2)
})

for (const around of surroundings) {
  test(`a receipt has no barrier at ${around.name}`, async ({ page, request }) => {
    await surround(page, around)
    const { id } = await pictureOf(request, await submit(request, { prompt: 'a red circle' }))
    await openPage(page, `/gallery?image=${id}`)
    const receipt = dialog(page).getByText('Receipt', { exact: true })
    await receipt.focus()
    await page.keyboard.press('Enter')
    await dialog(page).getByRole('button', { name: 'Verify', exact: true }).click()
    const verdict = dialog(page).getByText('Drawn again, it has the same pixels.')
    await expect(verdict).toBeVisible()
    await verdict.scrollIntoViewIfNeeded()
    await expectNoBarriers(page)
    await page.screenshot({ path: `screenshots/receipt-${around.width}-${around.colorScheme}.png` })
  })
}

import { type APIRequestContext, expect, type Page, test } from '@playwright/test'
import { expectNoBarriers, surround, surroundings } from './barriers'
import { endAll, openPage, pictureOf, submit } from './stack'

const presets = ['larger', 'smaller']

test.afterEach(async ({ request }) => {
  await endAll(request)
  for (const name of presets) {
    await request.delete(`/api/v1/presets/${name}`)
  }
})

/** A preset that enlarges; no network comes with the demo, so that its jobs wait for a worker that has one. */
async function putUpscaler(request: APIRequestContext, name: string, max_side: number): Promise<void> {
  const data = { title: 'Larger', engine: 'upscaler', file: 'nowhere.safetensors', scale: 2, max_side }
  const response = await request.put(`/api/v1/presets/${name}`, { data })
  expect([200, 201], await response.text()).toContain(response.status())
}

const dialog = (page: Page) => page.getByRole('dialog')
const enlarge = (page: Page) => dialog(page).getByRole('button', { name: 'Enlarge', exact: true })

test('a picture is enlarged where a preset does that, and its job is followed', async ({ page, request }) => {
  const picture = await pictureOf(request, await submit(request, { prompt: 'a red circle' }))
  await openPage(page, `/gallery?image=${picture.id}`)
  await expect(dialog(page).getByRole('button', { name: 'Use settings' })).toBeVisible()
  await expect(enlarge(page)).toHaveCount(0)

  await putUpscaler(request, 'larger', 128)
  await page.reload()
  await expect(dialog(page).getByText('to 256 × 256 with larger')).toBeVisible()
  const sent = page.waitForRequest((it) => it.url().endsWith('/api/v1/jobs') && it.method() === 'POST')
  await enlarge(page).click()
  const asked = await sent
  expect(asked.postDataJSON()).toEqual({
    kind: 'upscale',
    preset: 'larger',
    params: { image: picture.id },
  })
  expect(asked.headers()['idempotency-key']).toMatch(/^[0-9a-f]{32}$/)
  await expect(dialog(page).getByRole('status').filter({ hasText: 'Its job' })).toContainText('No worker')

  await dialog(page).getByRole('link', { name: 'Its job' }).click()
  const title = 'A picture, enlarged from 128 × 128 to 256 × 256'
  await expect(page.getByRole('heading', { level: 1, name: title })).toBeVisible()
  await expect(page.getByRole('region', { name: 'Why it waits' })).toContainText('“larger”')
  await expect(page.getByRole('button', { name: 'Draw another' })).toHaveCount(0)
  await page.getByRole('list', { name: 'What it enlarges' }).getByRole('button').click()
  await expect(page).toHaveURL(new RegExp(`/jobs/.*image=${picture.id}`))
  await page.keyboard.press('Escape')
  await page.getByRole('link', { name: 'Queue' }).first().click()
  await page.getByLabel('Kind', { exact: true }).selectOption('upscale')
  await expect(page.getByRole('list', { name: 'Waiting, next first' })).toContainText(title)
})

test('a preset that does not take the picture says so, and another is chosen', async ({ page, request }) => {
  const picture = await pictureOf(request, await submit(request, { prompt: 'a green square' }))
  await putUpscaler(request, 'smaller', 64)
  await openPage(page, `/gallery?image=${picture.id}`)
  await expect(enlarge(page)).toBeDisabled()
  await expect(dialog(page).getByText('It takes pictures of up to 64 × 64 pixels.')).toBeVisible()

  await putUpscaler(request, 'larger', 128)
  await page.reload()
  await expect(enlarge(page)).toBeEnabled()
  await dialog(page).getByLabel('Enlarge with').selectOption('smaller')
  await expect(enlarge(page)).toBeDisabled()
  await dialog(page).getByLabel('Enlarge with').selectOption('larger')
  await request.delete('/api/v1/presets/larger')
  await enlarge(page).click()
  await expect(dialog(page).getByRole('alert')).toContainText('larger')
})

for (const around of surroundings) {
  test(`enlarging has no barrier at ${around.name}`, async ({ page, request }) => {
    await surround(page, around)
    const picture = await pictureOf(request, await submit(request, { prompt: 'a red circle' }))
    await putUpscaler(request, 'larger', 128)
    await putUpscaler(request, 'smaller', 64)
    await openPage(page, `/gallery?image=${picture.id}`)
    await enlarge(page).click()
    await expect(dialog(page).getByRole('status').filter({ hasText: 'Its job' })).toContainText('No worker')
    await expectNoBarriers(page)
    await page.screenshot({ path: `screenshots/enlarge-${around.width}-${around.colorScheme}.png` })
    await dialog(page).getByRole('link', { name: 'Its job' }).click()
    await expect(page.getByRole('list', { name: 'What it enlarges' })).toBeVisible()
    await expectNoBarriers(page)
    await page.screenshot({
      path: `screenshots/enlarge-job-${around.width}-${around.colorScheme}.png`,
      fullPage: true,
    })
  })
}

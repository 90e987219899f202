import { expect, test } from '@playwright/test'
import { expectNoBarriers, surround, surroundings } from './barriers'
import { endAll, openPage, pictureOf, submit } from './stack'

const prompt = 'a red circle on a blue background'

test.afterEach(async ({ request }) => {
  await endAll(request)
})

test('every setting is sent, and the estimate is there before', async ({ page, request }) => {
  await openPage(page, '/create')
  await page.getByLabel('Prompt', { exact: true }).fill(prompt)
  await page.getByLabel('What to avoid').fill('green')
  await page.getByLabel('Steps', { exact: true }).fill('5')
  await page.getByLabel('Guidance').fill('2.5')
  await page.getByLabel('Sampler').fill('heun')
  await page.getByLabel('Seed', { exact: true }).fill('42')
  await page.getByLabel('Pictures', { exact: true }).fill('2')
  await expect(page.getByText(/^Runs on .* needs \d+ MiB/)).toBeVisible()

  await page.reload()
  await expect(page.getByLabel('Steps', { exact: true })).toHaveValue('5')
  const answer = page.waitForResponse(
    (response) => response.url().endsWith('/api/v1/jobs') && response.request().method() === 'POST',
  )
  await page.getByRole('button', { name: 'Draw', exact: true }).click()
  const { id } = (await (await answer).json()) as { id: string }
  const job = (await (await request.get(`/api/v1/jobs/${id}?wait=60s`, { timeout: 70_000 })).json()) as {
    state: string
    params: object
  }
  expect(job.state).toBe('succeeded')
  expect(job.params).toMatchObject({
    prompt,
    negative_prompt: 'green',
    steps: 5,
    cfg: 2.5,
    sampler: 'heun',
    seed: 42,
    batch: 2,
    width: 128,
  })
})

test('a setting that the preset does not allow is told beside its field before it is sent', async ({
  page,
}) => {
  await openPage(page, '/create')
  await page.getByLabel('Width').fill('4096')
  await expect(page.getByLabel('Width')).toHaveAccessibleDescription(/128/)
  await expect(page.getByLabel('Width')).toHaveAttribute('aria-invalid', 'true')
  await page.getByLabel('Width').fill('wide')
  await expect(page.getByLabel('Width')).toHaveAccessibleDescription('A whole number.')
  await page.getByRole('button', { name: 'Back to the preset’s' }).click()
  await expect(page.getByLabel('Width')).toHaveAttribute('aria-invalid', 'false')
})

test('a picture’s file gives its settings back', async ({ page, request }) => {
  const { id } = await pictureOf(request, await submit(request, { prompt, steps: 6, seed: 77 }))
  const file = await (await request.get(`/api/v1/images/${id}/file`)).body()
  await openPage(page, '/create')
  await page
    .getByLabel('PNG to take settings from')
    .setInputFiles({ name: 'p.png', mimeType: 'image/png', buffer: file })
  await expect(page.getByText('Settings taken from p.png.')).toBeVisible()
  await expect(page.getByLabel('Prompt', { exact: true })).toHaveValue(prompt)
  await expect(page.getByLabel('Steps', { exact: true })).toHaveValue('6')
  await expect(page.getByLabel('Seed', { exact: true })).toHaveValue('77')
})

test('drawing without end goes on over pages until it is stopped', async ({ page }) => {
  await openPage(page, '/create')
  await page.getByLabel('Prompt', { exact: true }).fill(prompt)
  await page.getByLabel('Steps', { exact: true }).fill('1')
  await page.getByRole('button', { name: 'Draw without end' }).click()
  await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Overview' }).click()
  await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Create' }).click()
  await expect(page.getByText(/without end while this tab is open: [2-9] made/)).toBeVisible()
  await page.getByRole('button', { name: 'Stop after this one' }).click()
  await expect(page.getByText(/^Stopped: \d+ made/)).toBeVisible()
})

for (const around of surroundings) {
  test(`creating has no barrier at ${around.name}`, async ({ page, request }) => {
    await surround(page, around)
    const { id } = await pictureOf(request, await submit(request, { prompt }))
    await openPage(page, '/create')
    await expect(page.locator(`[data-image="${id}"]`)).toBeVisible()
    await page.getByLabel('Prompt', { exact: true }).fill(prompt)
    await page.getByLabel('Steps', { exact: true }).fill('500')
    await expect(page.getByLabel('Steps', { exact: true })).toHaveAttribute('aria-invalid', 'true')
    await expectNoBarriers(page)
    await page.getByLabel('Steps', { exact: true }).fill('')
    await expect(page.getByText(/^Runs on .* needs \d+ MiB/)).toBeVisible()
    await expectNoBarriers(page)
    await page.screenshot({
      path: `screenshots/create-${around.width}-${around.colorScheme}.png`,
      fullPage: true,
    })
  })
}

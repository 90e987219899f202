import { expect, test } from '@playwright/test'
import { expectNoBarriers, surround, surroundings } from './barriers'
import { drawn, endAll, openPage, pictureOf, putPreset, submit } from './stack'

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
  await page.getByLabel('Sampler').selectOption('heun')
  await page.getByLabel('Seed', { exact: true }).fill('42')
  await page.getByLabel('Pictures', { exact: true }).fill('2')
  await expect(page.getByText(/^Runs on .* needs \d+ MiB/)).toBeVisible()

  await page.reload()
  await expect(page.getByLabel('Steps', { exact: true })).toHaveValue('5')
  const job = await drawn(page, request)
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

test('styles stand around the prompt, and the words that would be drawn are shown before', async ({
  page,
  request,
}) => {
  const style = { label: 'On blue', content: '{prompt} on a blue background', negative_prompt: 'grey' }
  await request.put('/api/v1/prompt-templates/on-blue', { data: style })
  await openPage(page, '/create')
  await page.getByLabel('Prompt', { exact: true }).fill('a red circle')
  const styles = page.getByRole('group', { name: 'Styles' })
  await styles.getByText(/^Choose from/).click()
  await styles.getByRole('checkbox', { name: /^On blue/ }).check()
  await expect(styles.getByRole('definition').filter({ hasText: 'a red circle on a blue' })).toBeVisible()
  await expect(styles.getByRole('definition').filter({ hasText: 'grey' })).toBeVisible()
  const job = await drawn(page, request)
  expect(job.state).toBe('succeeded')
  expect(job.params).toMatchObject({
    prompt: 'a red circle on a blue background',
    asked: { prompt: 'a red circle', styles: ['on-blue'] },
  })
  await styles.getByRole('button', { name: 'Remove On blue' }).click()
  await expect(styles.getByRole('checkbox', { name: /^On blue/ })).not.toBeChecked()
  await request.delete('/api/v1/prompt-templates/on-blue')
})

test('a prompt is written out by a job, taken, and given back', async ({ page }) => {
  await openPage(page, '/create')
  const field = page.getByLabel('Prompt', { exact: true })
  await field.fill('a rabbit')
  await page.getByRole('button', { name: 'Write it out' }).click()
  const offer = page.getByRole('region', { name: 'Written out' })
  await expect(offer).toBeVisible()
  const written = await offer.getByRole('paragraph').innerText()
  expect(written.length).toBeGreaterThan('a rabbit'.length)
  await expect(field).toHaveValue('a rabbit')
  await offer.getByRole('button', { name: 'Use it' }).click()
  await expect(field).toHaveValue(written)
  await page.getByRole('button', { name: 'Back to my words' }).click()
  await expect(field).toHaveValue('a rabbit')
})

test('what a preset allows is asked for: a LoRA with its weight, a second pass', async ({
  page,
  request,
}) => {
  await putPreset(request, 'demo-large', {
    title: 'Demo painter with room',
    limits: { multiple: 8, min_side: 128, max_side: 128, max_hires_side: 256, max_steps: 50, max_batch: 4 },
  })
  await openPage(page, '/create')
  await expect(page.getByRole('group', { name: 'Second pass' })).toHaveCount(0)
  await page.getByRole('radio', { name: /demo-large/ }).check()
  await page.getByLabel('Prompt', { exact: true }).fill(prompt)
  const scale = page.getByLabel('Enlarge by', { exact: true })
  await scale.fill('3')
  await expect(scale).toHaveAttribute('aria-invalid', 'true')
  await expect(scale).toHaveAccessibleDescription(/1 to 2/)
  await scale.fill('2')
  await expect(scale).toHaveAccessibleDescription('becomes 256 × 256')
  await page.getByLabel('Its steps').fill('3')
  const job = await drawn(page, request)
  expect(job.state).toBe('succeeded')
  expect(job.params).toMatchObject({ hires: { scale: 2, width: 256, height: 256, steps: 3 } })

  await putPreset(request, 'demo-large', {
    loras: [{ name: 'ink', file: 'ink.safetensors', trigger: 'in ink' }],
  })
  await page.reload()
  await page.getByLabel('Enlarge by', { exact: true }).fill('')
  await page.getByLabel('Add a LoRA').selectOption('ink')
  await page.getByLabel('Weight of ink', { exact: true }).fill('9')
  await expect(page.getByLabel('Weight of ink', { exact: true })).toHaveAccessibleDescription(/-4 to 4/)
  await page.getByLabel('Weight of ink', { exact: true }).fill('0.6')
  await expect(page.getByLabel('Weight of ink', { exact: true })).toHaveAttribute('aria-invalid', 'false')
  const answer = page.waitForResponse(
    (response) => response.url().endsWith('/api/v1/jobs') && response.request().method() === 'POST',
  )
  await page.getByRole('button', { name: 'Draw', exact: true }).click()
  const asked = (await (await answer).json()) as { params: object }
  expect(asked.params).toMatchObject({ loras: [{ name: 'ink', weight: 0.6 }] })
  await endAll(request)
  expect((await request.delete('/api/v1/presets/demo-large')).status()).toBe(204)
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

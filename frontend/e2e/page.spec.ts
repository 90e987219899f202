import { expect, test } from '@playwright/test'
import { expectNoBarriers, surround, surroundings } from './barriers'
import { cuttable } from './cuttable'
import { draw, endAll, openPage, pictureOf, submit, submitLong } from './stack'

const prompt = 'a red circle on a blue background'

test.afterEach(async ({ request }) => {
  await endAll(request)
})

test('a prompt becomes a picture with tags, without a reload', async ({ page, request }) => {
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') {
      complaints.push(message.text())
    }
  })
  page.on('pageerror', (error) => complaints.push(error.message))

  await openPage(page)
  const job = await draw(page, prompt, '42')
  await expect(page.getByRole('status').filter({ hasText: 'In the queue.' })).toBeVisible()

  const picture = await pictureOf(request, job)
  const card = page.locator(`[data-image="${picture.id}"]`)
  await expect(card).toBeVisible()
  await expect
    .poll(() => card.locator('img').evaluate((img: HTMLImageElement) => img.naturalWidth))
    .toBeGreaterThan(0)
  await expect(card.getByRole('list', { name: 'Tags' }).getByRole('listitem').first()).toBeVisible()

  await card.getByRole('button').click()
  const dialog = page.getByRole('dialog')
  await expect(dialog.getByText(prompt, { exact: true })).toBeVisible()
  await expect(dialog.getByRole('definition').filter({ hasText: /^42$/ })).toBeVisible()
  await expect(dialog.getByRole('img', { name: prompt })).toBeVisible()
  await expect(page).toHaveURL(new RegExp(`image=${picture.id}`))
  expect(complaints).toEqual([])
})

test('a running job shows its steps and moves only forward; waiting jobs say why', async ({
  page,
  request,
}) => {
  await openPage(page)
  const job = await submitLong(request, prompt)
  const bar = page.locator(`[data-job="${job}"]`).getByRole('progressbar')
  await expect(bar).toHaveAttribute('aria-valuetext', /^Sampling, step \d+ of 50 · picture \d+ of 24, \d+ %$/)
  // Not before: of two that wait the short one goes first.
  const behind = await submit(request, { prompt: 'a green square on a white background' })
  await expect(page.locator(`[data-job="${behind}"][data-state="queued"]`)).toContainText(
    /Next in line|comes? first|Needs .* free/,
  )

  const words = new Set<string | null>()
  const seen: number[] = []
  await expect
    .poll(async () => {
      words.add(await bar.getAttribute('aria-valuetext'))
      seen.push(Number(await bar.getAttribute('aria-valuenow')))
      return words.size
    })
    .toBeGreaterThan(5)
  expect(seen).toEqual([...seen].sort((a, b) => a - b))
  await page.screenshot({ path: 'screenshots/running.png', fullPage: true })
})

test('waiting and running jobs can be cancelled', async ({ page, request }) => {
  await openPage(page)
  const running = await submitLong(request, 'a yellow triangle on a black background')
  await expect(page.locator(`[data-job="${running}"][data-state="running"]`)).toBeVisible()
  const waiting = await submitLong(request, 'a green square on a white background')

  for (const job of [waiting, running]) {
    const card = page.locator(`li.card[data-job="${job}"]`)
    await card.getByRole('button', { name: /^Cancel: / }).click()
    await expect(card).toHaveCount(0)
    const response = await request.get(`/api/v1/jobs/${job}`)
    expect(((await response.json()) as { state: string }).state).toBe('cancelled')
  }
  await page.getByText('Failed or cancelled lately').click()
  for (const job of [waiting, running]) {
    await expect(page.locator(`[data-job="${job}"][data-state="cancelled"]`)).toBeVisible()
  }
})

test('a lost connection is admitted and heals without a reload', async ({ page, request, baseURL }) => {
  const proxy = await cuttable(baseURL ?? '')
  try {
    await openPage(page, proxy.url)
    const started = await page.evaluate(() => performance.timeOrigin)
    proxy.cut()
    await expect(page.getByRole('status').filter({ hasText: 'Reconnecting' })).toBeVisible()

    const picture = await pictureOf(request, await submit(request, { prompt }))
    await expect(page.locator(`[data-image="${picture.id}"]`)).toHaveCount(0)

    proxy.mend()
    await expect(page.getByText('Live', { exact: true })).toBeVisible()
    await expect(page.locator(`[data-image="${picture.id}"]`)).toBeVisible()
    expect(await page.evaluate(() => performance.timeOrigin)).toBe(started)
  } finally {
    await proxy.close()
  }
})

test('a tab that is older than the server loads a page as a whole where its own files are gone', async ({
  page,
}) => {
  await openPage(page)
  // Gone for the old tab however often it asks, the browser's own preload among it, until a page is loaded as a whole.
  let old = true
  page.on('request', (request) => {
    old &&= !request.isNavigationRequest()
  })
  await page.route(/\/assets\/GalleryPage-.*\.js$/, (route) =>
    old ? route.fulfill({ status: 404, body: 'gone' }) : route.continue(),
  )
  const loaded = page.waitForEvent('load')
  await page.getByRole('link', { name: 'Gallery' }).first().click()
  await loaded
  await expect(page).toHaveURL(/\/gallery$/)
  await expect(page.getByRole('heading', { level: 1, name: 'Gallery' })).toBeVisible()
})

test('everything can be done from the keyboard', async ({ page, request }) => {
  await openPage(page)
  await page.getByLabel('Prompt', { exact: true }).focus()
  await page.keyboard.type(prompt)
  const answer = page.waitForResponse((response) => response.request().method() === 'POST')
  await page.keyboard.press('Control+Enter')
  const { id: job } = (await (await answer).json()) as { id: string }

  const { id } = await pictureOf(request, job)
  const picture = page.locator(`[data-image="${id}"]`).getByRole('button')
  await picture.focus()
  await page.keyboard.press('Enter')
  await expect(page.getByRole('dialog')).toBeVisible()
  await page.keyboard.press('Escape')
  await expect(page.getByRole('dialog')).toHaveCount(0)
  await expect(picture).toBeFocused()
  await expect(page).not.toHaveURL(/image=/)
})

test('what is wrong with a request is said beside its field', async ({ page }) => {
  await openPage(page)
  await page.getByRole('button', { name: 'Draw' }).click()
  await expect(page.getByLabel('Prompt', { exact: true })).toHaveAccessibleDescription('Say what to draw.')
  await page.getByLabel('Prompt', { exact: true }).fill('x'.repeat(9000))
  await page.getByLabel('Seed', { exact: true }).fill('-1')
  await page.getByRole('button', { name: 'Draw' }).click()
  await expect(page.getByLabel('Seed', { exact: true })).toHaveAccessibleDescription(/^Allowed: 0 to /)
  await page.getByLabel('Seed', { exact: true }).fill('')
  await page.getByRole('button', { name: 'Draw' }).click()
  await expect(page.getByLabel('Prompt', { exact: true })).toHaveAccessibleDescription(/bytes/)
})

for (const around of surroundings) {
  test(`no barrier is found at ${around.name}`, async ({ page, request }) => {
    await surround(page, around)
    const { id } = await pictureOf(request, await submit(request, { prompt }))
    const running = await submitLong(request, prompt)
    await submitLong(request, 'a green square on a white background with a rather long description of itself')
    await openPage(page)
    await expect(page.locator(`[data-job="${running}"]`).getByRole('progressbar')).toBeVisible()
    await expect(page.locator(`[data-image="${id}"] .tag`).first()).toBeVisible()
    await expectNoBarriers(page)
    await page.screenshot({
      path: `screenshots/home-${around.width}-${around.colorScheme}.png`,
      fullPage: true,
    })

    await page.locator(`[data-image="${id}"]`).getByRole('button').click()
    await expect(page.getByRole('dialog').getByRole('img')).toBeVisible()
    await expectNoBarriers(page)
    await page.screenshot({ path: `screenshots/picture-${around.width}-${around.colorScheme}.png` })
  })
}

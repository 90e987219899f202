import { expect, test } from '@playwright/test'
import { expectNoBarriers, surround, surroundings } from './barriers'
import { endAll, openPage, pictureOf, submit, submitLong } from './stack'

const prompt = 'a red circle on a blue background'

test.afterEach(async ({ request }) => {
  await endAll(request)
})

test('the queue is paused, put in order by buttons and by drag, and goes on', async ({ page, request }) => {
  await openPage(page, '/queue')
  await page.getByRole('button', { name: 'Pause the queue' }).click()
  await expect(page.getByRole('list', { name: 'Paused' })).toContainText('The queue is paused')
  const names = ['a red circle', 'a green square', 'a yellow triangle']
  const jobs: string[] = []
  for (const name of names) {
    jobs.push(await submit(request, { prompt: name }))
  }
  const rows = page.getByRole('list', { name: 'Waiting, next first' }).getByRole('listitem')
  const order = () => rows.evaluateAll((all) => all.map((row) => row.dataset.job))
  await expect.poll(order).toEqual(jobs)
  await expect(rows.first()).toContainText('The queue is paused.')

  const [first, second, third] = jobs
  await page.getByRole('button', { name: 'Move earlier: a green square' }).focus()
  await page.keyboard.press('Enter')
  await expect.poll(order).toEqual([second, first, third])
  await expect(page.getByRole('status').filter({ hasText: 'Priority 1' })).toBeVisible()

  await rows
    .nth(2)
    .locator('[draggable]')
    .dragTo(rows.nth(0), { targetPosition: { x: 200, y: 4 } })
  await expect.poll(order).toEqual([third, second, first])

  await page.getByRole('button', { name: 'Resume the queue' }).click()
  await expect(page.getByRole('list', { name: 'Paused' })).toHaveCount(0)
  for (const job of jobs) {
    const answer = await request.get(`/api/v1/jobs/${job}?wait=60s`, { timeout: 70_000 })
    expect(((await answer.json()) as { state: string }).state).toBe('succeeded')
  }
})

test('counters filter, the address keeps it, and the back button undoes it', async ({ page, request }) => {
  const job = await submitLong(request, prompt)
  await request.post(`/api/v1/jobs/${job}/cancel`)
  await openPage(page, '/queue')
  const cancelled = page.getByRole('button', { name: /Cancelled$/ })
  await cancelled.click()
  await expect(page).toHaveURL(/\/queue\?state=cancelled$/)
  const row = page.getByRole('list', { name: 'Jobs' }).locator(`[data-job="${job}"]`)
  await expect(row).toBeVisible()

  await page.getByLabel('Kind').selectOption('tag')
  await expect(page).toHaveURL(/kind=tag/)
  await expect(row).toHaveCount(0)
  await page.goBack()
  await expect(row).toBeVisible()
  await page.reload()
  await expect(row).toBeVisible()
  await expect(cancelled).toHaveAttribute('aria-pressed', 'true')
})

test('"cancel the rest" ends what waits and leaves what runs', async ({ page, request }) => {
  const running = await submitLong(request, 'a yellow triangle on a black background')
  await openPage(page, '/queue')
  await expect(page.locator(`[data-job="${running}"][data-state="running"]`)).toBeVisible()
  const waiting = [await submitLong(request, prompt), await submitLong(request, prompt)]
  for (const job of waiting) {
    await expect(page.locator(`[data-job="${job}"][data-state="queued"]`)).toBeVisible()
  }
  await page.getByRole('button', { name: 'Cancel the rest' }).click()
  await page.getByRole('alertdialog').getByRole('button', { name: 'Cancel them' }).click()
  for (const job of waiting) {
    await expect(page.locator(`[data-job="${job}"]`)).toHaveCount(0)
  }
  await expect(page.getByRole('status').filter({ hasText: '2 cancelled' })).toBeVisible()
  await expect(page.locator(`[data-job="${running}"][data-state="running"]`)).toBeVisible()
})

test('ended jobs of the filter are deleted, and those with pictures are kept', async ({ page, request }) => {
  const drawn = await submit(request, { prompt: 'a yellow star' })
  await pictureOf(request, drawn)
  await request.post('/api/v1/pauses', { data: { scope: 'queue' } })
  const cancelled = await submit(request, { prompt })
  await request.post(`/api/v1/jobs/${cancelled}/cancel`)
  await openPage(page, '/queue')
  await expect(page.getByRole('button', { name: 'Delete these' })).toHaveCount(0)
  await openPage(page, '/queue?state=succeeded,cancelled&kind=generate')
  const row = (job: string) => page.getByRole('list', { name: 'Jobs' }).locator(`[data-job="${job}"]`)
  await expect(row(cancelled)).toBeVisible()
  await page.getByRole('button', { name: 'Delete these' }).click()
  const question = page.getByRole('alertdialog', {
    name: 'Delete all picture jobs that are done or were cancelled?',
  })
  await question.getByRole('button', { name: 'Delete them' }).click()
  await expect(row(cancelled)).toHaveCount(0)
  await expect(row(drawn)).toBeVisible()
  await expect(page.getByRole('status').filter({ hasText: /\d+ deleted\. \d+ kept/ })).toBeVisible()
  expect((await request.get(`/api/v1/jobs/${cancelled}`)).status()).toBe(404)
})

for (const around of surroundings) {
  test(`the queue has no barrier at ${around.name}`, async ({ page, request }) => {
    await surround(page, around)
    const running = await submitLong(request, prompt)
    await openPage(page, '/queue')
    await expect(page.locator(`[data-job="${running}"]`).getByRole('progressbar')).toBeVisible()
    for (const waits of ['a green square on a white background with a long description', 'a red circle']) {
      const job = await submitLong(request, waits)
      await expect(page.locator(`[data-job="${job}"]`)).toContainText(/Runs on .* in about/)
    }
    await expect(page.getByRole('img', { name: /done and \d+ failed/ })).toBeVisible()
    await expectNoBarriers(page)
    await page.screenshot({
      path: `screenshots/queue-${around.width}-${around.colorScheme}.png`,
      fullPage: true,
    })

    await page.getByRole('button', { name: 'Cancel the rest' }).click()
    await expect(page.getByRole('alertdialog')).toBeVisible()
    await expectNoBarriers(page)
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Pause a part' }).click()
    await expect(page.getByRole('menuitem', { name: 'demo', exact: true })).toBeVisible()
    await expectNoBarriers(page)
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: /Running$/ }).click()
    await expect(page.getByRole('list', { name: 'Jobs' })).toBeVisible()
    await expectNoBarriers(page)
  })
}

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
    .locator('.grip')
    .dragTo(rows.nth(0), { targetPosition: { x: 200, y: 4 } })
  await expect.poll(order).toEqual([third, second, first])

  await page.getByRole('button', { name: 'Resume the queue' }).click()
  await expect(page.getByRole('list', { name: 'Paused' })).toHaveCount(0)
  for (const job of jobs) {
    const answer = await request.get(`/api/v1/jobs/${job}?wait=60s`, { timeout: 70_000 })
    expect(((await answer.json()) as { state: string }).state).toBe('succeeded')
  }
})

test.describe('on a touch screen', () => {
  test.use({ hasTouch: true, viewport: { width: 390, height: 844 } })

  test('the queue is put in order by a finger on the handle, and scrolled by one beside it', async ({
    page,
    request,
  }) => {
    await request.post('/api/v1/pauses', { data: { scope: 'queue' } })
    const jobs: string[] = []
    for (let at = 0; at < 12; at += 1) {
      jobs.push(await submit(request, { prompt: `a red circle, the ${at + 1}th` }))
    }
    await openPage(page, '/queue')
    const rows = page.getByRole('list', { name: 'Waiting, next first' }).getByRole('listitem')
    const order = () => rows.evaluateAll((all) => all.map((row) => row.dataset.job))
    await expect.poll(order).toEqual(jobs)

    const session = await page.context().newCDPSession(page)
    const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', x = 0, y = 0) =>
      session.send('Input.dispatchTouchEvent', { type, touchPoints: type === 'touchEnd' ? [] : [{ x, y }] })
    const drag = async (from: { x: number; y: number }, to: { x: number; y: number }) => {
      await touch('touchStart', from.x, from.y)
      for (let part = 1; part <= 10; part += 1) {
        const between = (a: number, b: number) => a + ((b - a) * part) / 10
        await touch('touchMove', between(from.x, to.x), between(from.y, to.y))
      }
    }
    const middle = async (row: number, part: string) => {
      const box = await rows.nth(row).locator(part).first().boundingBox()
      return { x: (box?.x ?? 0) + (box?.width ?? 0) / 2, y: (box?.y ?? 0) + (box?.height ?? 0) / 2 }
    }
    const scrolled = () => page.evaluate(() => window.scrollY)
    // A page that was swiped goes on by itself for a while, and a finger would miss what it aims at.
    const atRest = () =>
      expect
        .poll(async () => {
          const there = await scrolled()
          await page.waitForTimeout(250)
          return (await scrolled()) - there
        })
        .toBe(0)

    const [first, second, third, ...rest] = jobs
    await rows.nth(1).scrollIntoViewIfNeeded()
    await rows.nth(0).evaluate((row) => {
      row.scrollIntoView({ block: 'center' })
    })
    const before = await scrolled()
    const target = await rows.nth(0).boundingBox()
    await drag(await middle(1, '.grip'), { x: 40, y: (target?.y ?? 0) + 4 })
    await touch('touchEnd')
    await expect.poll(order).toEqual([second, first, third, ...rest])
    expect(await scrolled()).toBe(before)

    const name = await middle(1, '.name')
    await drag(name, { x: name.x, y: name.y - 150 })
    await touch('touchEnd')
    await expect.poll(scrolled).toBeGreaterThan(before + 50)
    await expect.poll(order).toEqual([second, first, third, ...rest])

    // Held at the lower edge, the page scrolls along: to the end of a list that is longer than the screen.
    await atRest()
    await rows.nth(0).evaluate((row) => {
      row.scrollIntoView({ block: 'center' })
    })
    await atRest()
    await drag(await middle(0, '.grip'), { x: 40, y: 800 })
    await expect(rows.last()).toBeInViewport({ ratio: 1 })
    const last = await rows.last().boundingBox()
    await touch('touchMove', 40, (last?.y ?? 0) + (last?.height ?? 0) - 4)
    await touch('touchEnd')
    await expect.poll(order).toEqual([first, third, ...rest, second])
  })
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

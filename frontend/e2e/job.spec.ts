import { expect, test } from '@playwright/test'
import { expectNoBarriers, surround, surroundings } from './barriers'
import { endAll, openPage, pictureOf, submit, submitLong } from './stack'

const prompt = 'a red circle on a blue background'

test.afterEach(async ({ request }) => {
  await endAll(request)
})

test('a job is followed from why it waits to its picture', async ({ page, request }) => {
  await request.post('/api/v1/pauses', { data: { scope: 'queue' } })
  const job = await submit(request, { prompt, seed: 42 })
  await openPage(page, `/jobs/${job}`)
  await expect(page.getByRole('region', { name: 'Why it waits' })).toContainText('The queue is paused.')
  await request.delete('/api/v1/pauses', { params: { scope: 'queue' } })

  const result = page.getByRole('region', { name: 'Result' })
  await expect(result.getByRole('button', { name: `Open picture: ${prompt}` })).toBeVisible()
  const timeline = page.getByRole('region', { name: 'Timeline' })
  for (const step of ['Accepted and queued', 'Given to', 'Attempt 1 began', 'Picture 1 saved', 'Done']) {
    await expect(timeline.getByRole('listitem').filter({ hasText: step })).toHaveCount(1)
  }
  await expect(page.getByRole('img', { name: /^Attempt 1: .*sampling .*decoding/ })).toBeVisible()
  await expect(page.getByRole('region', { name: 'Parameters' })).toContainText('42')

  await page.getByRole('button', { name: 'Edit and resubmit' }).click()
  await expect(page).toHaveURL(/\/create$/)
  await expect(page.getByLabel('Seed', { exact: true })).toHaveValue('42')
  await page.goBack()
  await page.getByRole('button', { name: 'Draw another' }).click()
  await expect(page).not.toHaveURL(new RegExp(job))
  await expect(page.getByRole('heading', { level: 1, name: prompt })).toBeVisible()
})

test('a job that is not there is said to be so', async ({ page }) => {
  await openPage(page, '/jobs/0198c5b0-6f1e-7c40-b5a5-0d6a3f5f2a11')
  await expect(page.getByRole('alert').filter({ hasText: 'Can’t show this job' })).toBeVisible()
})

test('an ended job without pictures is deleted after a question, one with pictures is not', async ({
  page,
  request,
}) => {
  const drawn = await submit(request, { prompt })
  await pictureOf(request, drawn)
  await openPage(page, `/jobs/${drawn}`)
  await expect(page.getByRole('region', { name: 'Result' }).getByRole('button')).toHaveCount(1)
  await expect(page.getByRole('button', { name: 'Delete', exact: true })).toHaveCount(0)

  await request.post('/api/v1/pauses', { data: { scope: 'queue' } })
  const cancelled = await submit(request, { prompt })
  await openPage(page, `/jobs/${cancelled}`)
  await expect(page.getByRole('region', { name: 'Why it waits' })).toBeVisible()
  await expect(page.getByRole('button', { name: 'Delete', exact: true })).toHaveCount(0)
  await request.post(`/api/v1/jobs/${cancelled}/cancel`)
  await page.getByRole('button', { name: 'Delete', exact: true }).click()
  await page.getByRole('alertdialog').getByRole('button', { name: 'Delete it' }).click()
  await expect(page).toHaveURL(/\/queue\?state=cancelled$/)
  await expect(page.locator(`[data-job="${cancelled}"]`)).toHaveCount(0)
  expect((await request.get(`/api/v1/jobs/${cancelled}`)).status()).toBe(404)
})

for (const around of surroundings) {
  test(`a job has no barrier at ${around.name}`, async ({ page, request }) => {
    await surround(page, around)
    const done = await submit(request, { prompt, batch: 3, steps: 4 })
    await pictureOf(request, done)
    await openPage(page, `/jobs/${done}`)
    await expect(
      page.getByRole('region', { name: 'Timeline' }).getByText('Done', { exact: true }),
    ).toBeVisible()
    await expect(page.getByRole('region', { name: 'Result' }).getByRole('button')).toHaveCount(3)
    await expectNoBarriers(page)
    await page.screenshot({
      path: `screenshots/job-${around.width}-${around.colorScheme}.png`,
      fullPage: true,
    })

    const running = await submitLong(request, prompt)
    await openPage(page, `/jobs/${running}`)
    await expect(page.getByRole('progressbar')).toBeVisible()
    await expectNoBarriers(page)
  })
}

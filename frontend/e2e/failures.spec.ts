import { expect, test } from '@playwright/test'
import { expectNoBarriers, surround, surroundings } from './barriers'
import { endAll, openPage, submitFailing } from './stack'

test.afterEach(async ({ request }) => {
  await endAll(request)
})

test('failures are grouped, filtered in the address, and tried again one by one and together', async ({
  page,
  request,
}) => {
  const failed = [
    await submitFailing(request, 'a red circle'),
    await submitFailing(request, 'a green square'),
  ]
  await openPage(page, '/failures')
  const group = page.locator('[data-failure="timeout"]')
  await expect(group).toContainText('It took too long')
  await expect(group.getByRole('link', { name: 'a green square' }).first()).toBeVisible()

  await page.getByLabel('Failure', { exact: true }).selectOption('model_missing')
  await expect(page).toHaveURL(/why=model_missing/)
  await expect(page.getByText('No such failure.')).toBeVisible()
  await page.goBack()
  await expect(group).toBeVisible()

  await group.getByText(/^All \d+/).click()
  await request.post('/api/v1/pauses', { data: { scope: 'queue' } })
  await group
    .locator(`[data-job="${failed[0]}"]`)
    .getByRole('button', { name: /^Try again/ })
    .click()
  await expect(page.getByRole('status').filter({ hasText: '1 queued again.' })).toBeVisible()
  await expect(page.locator(`[data-job="${failed[0]}"]`)).toHaveCount(0)
  await page.getByRole('button', { name: 'Try all again' }).click()
  await page.getByRole('alertdialog').getByRole('button', { name: 'Try them again' }).click()
  await expect(page.getByText('No job has failed.')).toBeVisible()
  for (const job of failed) {
    const { state } = (await (await request.get(`/api/v1/jobs/${job}`)).json()) as { state: string }
    expect(state).toBe('queued')
  }
})

test('a class of failures is tried again with one request, and another is deleted', async ({
  page,
  request,
}) => {
  const failed = [
    await submitFailing(request, 'a red circle'),
    await submitFailing(request, 'a green square'),
  ]
  await request.post('/api/v1/pauses', { data: { scope: 'queue' } })
  await openPage(page, '/failures?preset=demo')
  const group = page.locator('[data-failure="timeout"]')
  const retried = page.waitForRequest((it) => it.url().includes('/api/v1/jobs/retry'))
  await group.getByRole('button', { name: /^Try (these \d+|all of these) again/ }).click()
  expect(Object.fromEntries(new URL((await retried).url()).searchParams)).toEqual({
    state: 'failed',
    preset: 'demo',
    failure: 'timeout',
  })
  await expect(group).toHaveCount(0)
  await expect(page.getByRole('status').filter({ hasText: /\d+ queued again\./ })).toBeVisible()
  for (const job of failed) {
    const { state } = (await (await request.get(`/api/v1/jobs/${job}`)).json()) as { state: string }
    expect(state).toBe('queued')
  }
  await endAll(request)

  const other = await submitFailing(request, 'a yellow star')
  await page.reload()
  await group.getByRole('button', { name: /^Delete / }).click()
  await page.getByRole('alertdialog').getByRole('button', { name: 'Delete', exact: true }).click()
  await expect(group).toHaveCount(0)
  await expect(page.getByRole('status').filter({ hasText: /\d+ deleted\./ })).toBeVisible()
  expect((await request.get(`/api/v1/jobs/${other}`)).status()).toBe(404)
})

test('all failed jobs of the queue’s filter are tried again', async ({ page, request }) => {
  const job = await submitFailing(request, 'a yellow star')
  await request.post('/api/v1/pauses', { data: { scope: 'queue' } })
  await openPage(page, '/queue?state=failed&preset=demo')
  await expect(page.locator(`[data-job="${job}"]`)).toBeVisible()
  await page.getByRole('button', { name: 'Try all failed again' }).click()
  await page.getByRole('alertdialog').getByRole('button', { name: 'Try them again' }).click()
  await expect(page.getByText('No such job.')).toBeVisible()
  await expect(page.getByRole('status').filter({ hasText: /\d+ queued again\./ })).toBeVisible()
  expect(((await (await request.get(`/api/v1/jobs/${job}`)).json()) as { state: string }).state).toBe(
    'queued',
  )
})

for (const around of surroundings) {
  test(`the failures have no barrier at ${around.name}`, async ({ page, request }) => {
    await surround(page, around)
    await submitFailing(
      request,
      'a red circle on a blue background with a long description of what it is not',
    )
    await openPage(page, '/failures')
    const group = page.locator('[data-failure="timeout"]')
    await expect(group).toBeVisible()
    await expectNoBarriers(page)
    await page.screenshot({
      path: `screenshots/failures-${around.width}-${around.colorScheme}.png`,
      fullPage: true,
    })
  })
}

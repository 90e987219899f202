import { expect, test } from '@playwright/test'
import { expectNoBarriers, surround, surroundings } from './barriers'
import { endAll, openPage, pictureOf, submit, submitLong } from './stack'

const prompt = 'a red circle on a blue background'

test.afterEach(async ({ request }) => {
  await endAll(request)
})

test('a device is paused with its memory released, and resumed', async ({ page, request }) => {
  await pictureOf(request, await submit(request, { prompt }))
  await openPage(page, '/devices')
  const lane = page.getByRole('list', { name: 'Devices' }).locator('[data-device]').first()
  const models = lane.getByRole('region', { name: /^Models on / })
  await expect(models).toContainText('demo')

  await lane.getByRole('button', { name: /and release its memory$/ }).click()
  await expect(lane).toContainText('Paused: it gets no job, and its idle models are unloaded.')
  await expect(models).toContainText('No model is loaded.')
  await lane.getByRole('button', { name: /^Resume / }).click()
  await expect(lane.getByRole('button', { name: /^Pause [^]*$/ }).first()).toBeVisible()
  await expect(lane).not.toContainText('Paused:')
})

test('an idle model is unloaded by its button', async ({ page, request }) => {
  await pictureOf(request, await submit(request, { prompt }))
  await openPage(page, '/devices')
  const models = page.getByRole('region', { name: /^Models on / }).first()
  const painter = models.getByRole('listitem').filter({ hasText: /^\s*demo(?!-)/ })
  await painter.getByRole('button', { name: /^Unload demo from / }).click()
  await expect(painter).toHaveCount(0)
})

test('what was learned of a preset is shown and forgotten', async ({ page, request }) => {
  await pictureOf(request, await submit(request, { prompt }))
  await openPage(page, '/devices')
  const needs = page.getByRole('region', { name: 'Learned needs' })
  await expect(needs.getByRole('heading', { name: 'demo', exact: true })).toBeVisible()
  await needs.getByRole('button', { name: 'Forget what was learned of demo', exact: true }).click()
  await page.getByRole('alertdialog').getByRole('button', { name: 'Forget it' }).click()
  await expect(needs.getByRole('heading', { name: 'demo', exact: true })).toHaveCount(0)
  // The next attempt is learned from again.
  await pictureOf(request, await submit(request, { prompt }))
  await expect(needs.getByRole('heading', { name: 'demo', exact: true })).toBeVisible()
})

for (const around of surroundings) {
  test(`the devices have no barrier at ${around.name}`, async ({ page, request }) => {
    await surround(page, around)
    const running = await submitLong(request, prompt)
    await openPage(page, '/devices')
    await expect(page.getByRole('region', { name: /^Jobs on / }).first()).toContainText(prompt)
    await submitLong(request, prompt)
    await expect(page.getByRole('img', { name: /next job \d+ MiB/ })).toBeVisible()
    await expect(page.getByText(/^Ready, heard/).first()).toBeVisible()
    await expectNoBarriers(page)
    await page.screenshot({
      path: `screenshots/devices-${around.width}-${around.colorScheme}.png`,
      fullPage: true,
    })
    await page.getByRole('link', { name: prompt }).first().click()
    await expect(page).toHaveURL(new RegExp(`/jobs/${running}$`))
  })
}

import { expect, type Page, test } from '@playwright/test'
import { expectNoBarriers, surround, surroundings } from './barriers'
import { endAll, openPage, pictureOf, pictures, shown, submit } from './stack'

test.afterEach(async ({ request }) => {
  await endAll(request)
})

const tile = (page: Page, id: string | undefined) => page.locator(`[data-image="${id ?? ''}"]`)
const picture = (page: Page, id: string | undefined) => tile(page, id).locator('.open')
const bar = (page: Page) => page.getByRole('region', { name: 'Selected pictures' })
const notice = (page: Page, words: string | RegExp) => page.getByRole('status').filter({ hasText: words })

test('a job’s pictures are found, opened and left by the back button', async ({ page, request }) => {
  const job = await submit(request, { prompt: 'a green square', batch: 3, steps: 1 })
  const { id } = await pictureOf(request, job)
  await openPage(page, `/gallery?job=${job}`)
  await expect(page.locator('[data-image]')).toHaveCount(3)
  await picture(page, id).click()
  await expect(page.getByRole('dialog').getByRole('img')).toBeVisible()
  await page.goBack()
  await expect(page.getByRole('dialog')).toHaveCount(0)
  await expect(page).toHaveURL(new RegExp(`job=${job}$`))

  await page.getByRole('button', { name: `Remove Job: ${job}` }).click()
  await page.getByLabel('Search', { exact: true }).fill('"green square" -zebra')
  await expect(page).toHaveURL(/q=/)
  await expect(tile(page, id)).toBeVisible()
  await page.getByLabel('Search', { exact: true }).fill('zebra')
  await expect(page.getByText('No picture is like that.')).toBeVisible()
  await page.reload()
  await expect(page.getByText('No picture is like that.')).toBeVisible()
  await expect(page.getByLabel('Search', { exact: true })).toHaveValue('zebra')
})

test('a filter that can’t be is said to be so', async ({ page }) => {
  await openPage(page, '/gallery?job=none')
  await expect(page.getByRole('alert').filter({ hasText: 'Can’t show the pictures' })).toBeVisible()
})

test('only the pictures in sight are mounted, and all are reached', async ({ page, request }) => {
  const job = await submit(request, { prompt: 'a red circle', batch: 12, steps: 1 })
  await pictureOf(request, job)
  await page.setViewportSize({ width: 390, height: 400 })
  await openPage(page, `/gallery?job=${job}`)
  await expect(page.locator('[data-image]').first()).toBeVisible()
  expect(await page.locator('[data-image]').count()).toBeLessThan(12)
  const seen = new Set<string | undefined>()
  await expect
    .poll(async () => {
      for (const id of await page
        .locator('[data-image]')
        .evaluateAll((all) => all.map((one) => (one as HTMLElement).dataset.image))) {
        seen.add(id)
      }
      await page.mouse.wheel(0, 200)
      return seen.size
    })
    .toBe(12)
})

test('facets count what is there, narrow it, and the back button undoes it', async ({ page, request }) => {
  const { word, ids } = await pictures(request, 4)
  const [one, two, three, four] = ids
  await request.patch(`/api/v1/images/${one}`, { data: { rating: 5, favourite: true } })
  await request.patch(`/api/v1/images/${two}`, { data: { rating: 3 } })
  for (const [id, tag] of [
    [one, 'sea'],
    [two, 'sea'],
    [two, 'fog'],
    [three, 'sky'],
  ]) {
    await request.put(`/api/v1/images/${id}/tags/${tag}`)
  }
  await openPage(page, `/gallery?q=${word}`)
  const facets = page.getByRole('complementary', { name: 'Filters' })
  const facet = (name: string | RegExp) => facets.getByRole('button', { name })
  const seen = async (...these: (string | undefined)[]) => {
    await expect(page.locator('[data-image]')).toHaveCount(these.length)
    for (const id of these) {
      await expect(tile(page, id)).toBeVisible()
    }
  }
  await seen(one, two, three, four)
  await expect(facet('demo 4')).toBeVisible()
  await expect(facet('128 × 128 4')).toBeVisible()
  await facet('3 stars or more 2').click()
  await seen(one, two)
  await expect(page).toHaveURL(/rating_min=3/)
  await facet('Only favourites 1').click()
  await seen(one)
  await page.goBack()
  await seen(one, two)
  await page.goBack()

  await facet('sea 2').click()
  await seen(one, two)
  await facets.getByRole('button', { name: 'None of' }).click()
  await facet('fog 1').click()
  await seen(one)
  await page.getByRole('button', { name: 'Remove Tag: sea' }).click()
  await seen(one, three, four)
  await page.getByRole('button', { name: 'Remove None of: fog' }).click()
  await facets.getByRole('button', { name: 'Any of' }).click()
  await facet('fog 1').click()
  await facet('sky 1').click()
  await seen(two, three)
  await expect(page).toHaveURL(/any_tags=fog,sky|any_tags=fog%2Csky/)
  await page.reload()
  await seen(two, three)
})

test('what somebody else marks or puts into the bin is seen at once', async ({ page, request }) => {
  const { word, ids } = await pictures(request, 2)
  const [first, second] = ids
  await openPage(page, `/gallery?q=${word}`)
  await expect(tile(page, second)).toBeVisible()
  await request.patch(`/api/v1/images/${first ?? ''}`, { data: { rating: 3 } })
  const stars = tile(page, first).getByRole('button', { name: '3 stars' })
  await expect(stars).toHaveAttribute('aria-pressed', 'true')
  await request.delete(`/api/v1/images/${second ?? ''}`)
  await expect(tile(page, second)).toHaveCount(0)
})

test('pictures are rated and favoured by mouse and by keyboard', async ({ page, request }) => {
  const { word, ids } = await pictures(request, 3)
  const [first, second, third] = ids
  await openPage(page, `/gallery?q=${word}`)
  await tile(page, first).hover()
  await tile(page, first).getByRole('button', { name: '4 stars' }).click()
  await tile(page, first)
    .getByRole('button', { name: /^Favourite/ })
    .click()
  await expect.poll(() => shown(request, first ?? '')).toMatchObject({ rating: 4, favourite: true })
  await tile(page, first).getByRole('button', { name: '4 stars' }).click()
  await expect.poll(() => shown(request, first ?? '')).toMatchObject({ rating: 0, favourite: true })

  await picture(page, first).focus()
  await page.keyboard.press('ArrowRight')
  await expect(picture(page, second)).toBeFocused()
  await page.keyboard.press('5')
  await page.keyboard.press('f')
  await expect(tile(page, second).getByRole('button', { name: '5 stars' })).toHaveAttribute(
    'aria-pressed',
    'true',
  )
  await expect.poll(() => shown(request, second ?? '')).toMatchObject({ rating: 5, favourite: true })
  await page.keyboard.press('Delete')
  await expect(tile(page, second)).toHaveCount(0)
  await expect(picture(page, third)).toBeFocused()
  await expect.poll(async () => typeof (await shown(request, second ?? '')).binned_at).toBe('string')
})

test('several are chosen, tagged, put into the bin and taken back', async ({ page, request }) => {
  const { word, ids } = await pictures(request, 5)
  await openPage(page, `/gallery?q=${word}`)
  await tile(page, ids[0]).hover()
  await tile(page, ids[0]).getByRole('checkbox').click()
  await picture(page, ids[2]).click({ modifiers: ['Shift'] })
  await expect(bar(page)).toContainText('3 selected')
  await picture(page, ids[1]).click()
  await expect(bar(page)).toContainText('2 selected')

  await bar(page).getByRole('button', { name: 'Tag' }).click()
  await page.getByLabel('Tags to give', { exact: true }).fill('harbour, boat')
  await page.keyboard.press('Enter')
  await expect(notice(page, '2 pictures tagged.')).toBeVisible()
  await expect(tile(page, ids[0])).toContainText('harbour')
  await expect(tile(page, ids[2])).toContainText('boat')
  await expect(tile(page, ids[1])).not.toContainText('boat')

  await bar(page).getByRole('button', { name: 'Mark' }).click()
  await page.getByRole('menuitem', { name: 'Rate 4' }).click()
  await expect.poll(() => shown(request, ids[2] ?? '')).toMatchObject({ rating: 4 })
  await bar(page).getByRole('button', { name: 'To the bin' }).click()
  await expect(page.locator('[data-image]')).toHaveCount(3)
  await expect(bar(page)).toHaveCount(0)
  await notice(page, '2 pictures are in the bin.').getByRole('button', { name: 'Undo' }).click()
  await expect(page.locator('[data-image]')).toHaveCount(5)

  await picture(page, ids[0]).focus()
  await page.keyboard.press('Space')
  await page.keyboard.press('Shift+ArrowRight')
  await page.keyboard.press('Shift+ArrowRight')
  await expect(bar(page)).toContainText('3 selected')
  await page.keyboard.press('Escape')
  await expect(bar(page)).toHaveCount(0)
})

test('all of a filter are changed, loaded or not, and only these come back from the bin', async ({
  page,
  request,
}) => {
  const { word, ids } = await pictures(request, 6)
  await request.delete(`/api/v1/images/${ids[5]}`)
  // Small pages that come late, so that few pictures are more than are loaded.
  let letGo: () => void = () => undefined
  const chosen = new Promise<void>((resolve) => (letGo = resolve))
  await page.route(/\/api\/v1\/images\?/, async (route) => {
    const url = route.request().url()
    if (url.includes('cursor=')) {
      await chosen
    }
    await route.continue({ url: url.replace('limit=60', 'limit=2') })
  })
  await openPage(page, `/gallery?q=${word}`)
  await expect(tile(page, ids[0])).toBeVisible()
  await expect(tile(page, ids[4])).toHaveCount(0)
  await page.keyboard.press('Control+a')
  await expect(bar(page)).toContainText('All 5 of this filter selected')
  letGo()
  await bar(page).getByRole('button', { name: 'Mark' }).click()
  await page.getByRole('menuitem', { name: 'Favourite', exact: true }).click()
  await expect(notice(page, '5 pictures marked.')).toBeVisible()
  expect((await shown(request, ids[4] ?? '')).favourite).toBe(true)

  await bar(page).getByRole('button', { name: 'To the bin' }).click()
  await notice(page, '5 pictures are in the bin.').getByRole('button', { name: 'Undo' }).click()
  await expect(tile(page, ids[0])).toBeVisible()
  await expect.poll(async () => (await shown(request, ids[4] ?? '')).binned_at ?? null).toBeNull()
  expect(typeof (await shown(request, ids[5] ?? '')).binned_at).toBe('string')
})

test('the bin gives back and deletes for good, after it has asked', async ({ page, request }) => {
  const { word, ids } = await pictures(request, 3)
  for (const id of ids) {
    await request.delete(`/api/v1/images/${id}`)
  }
  await openPage(page, '/gallery')
  await page.getByRole('link', { name: 'Bin' }).click()
  await expect(page.getByRole('heading', { level: 1, name: 'Bin' })).toBeVisible()
  await page.getByLabel('Search', { exact: true }).fill(word)
  await expect(page.locator('[data-image]')).toHaveCount(3)
  await tile(page, ids[0]).hover()
  await tile(page, ids[0]).getByRole('checkbox').click()
  await bar(page).getByRole('button', { name: 'Restore' }).click()
  await expect(tile(page, ids[0])).toHaveCount(0)
  await expect.poll(async () => (await shown(request, ids[0] ?? '')).binned_at ?? null).toBeNull()

  await page.getByRole('button', { name: 'Select all' }).click()
  await bar(page).getByRole('button', { name: 'Delete for good' }).click()
  await page.getByRole('alertdialog').getByRole('button', { name: 'Leave it' }).click()
  await expect(page.locator('[data-image]')).toHaveCount(2)
  await bar(page).getByRole('button', { name: 'Delete for good' }).click()
  await page.getByRole('alertdialog').getByRole('button', { name: 'Delete for good' }).click()
  await expect(page.getByText('No picture is like that.')).toBeVisible()
  await expect.poll(async () => (await request.get(`/api/v1/images/${ids[1]}`)).status()).toBe(404)
})

for (const around of surroundings) {
  test(`the gallery has no barrier at ${around.name}`, async ({ page, request }) => {
    await surround(page, around)
    const { ids } = await pictures(request, 2)
    const id = ids[0] ?? ''
    await request.put(`/api/v1/images/${id}/tags/harbour`)
    await request.patch(`/api/v1/images/${id}`, { data: { rating: 4, favourite: true } })
    await openPage(page, '/gallery?preset=demo')
    await expect(page.locator(`[data-image="${id}"] .tag`).first()).toBeVisible()
    const facets = page.getByRole('complementary', { name: 'Filters' })
    const filters = page.getByRole('button', { name: 'Filters' })
    if (around.width < 1000) {
      await expect(facets).toBeHidden()
      await page.screenshot({ path: `screenshots/gallery-${around.width}-${around.colorScheme}.png` })
      await filters.click()
    }
    await expect(facets.getByRole('button', { name: /^4 stars or more/ })).toBeVisible()
    await expectNoBarriers(page)
    await page.screenshot({ path: `screenshots/gallery-filters-${around.width}-${around.colorScheme}.png` })
    await filters.click()

    await tile(page, id).hover()
    await tile(page, id).getByRole('checkbox').click()
    await expect(bar(page)).toBeVisible()
    await expectNoBarriers(page)
    await page.screenshot({ path: `screenshots/gallery-selected-${around.width}-${around.colorScheme}.png` })
    await bar(page).getByRole('button', { name: 'Tag' }).click()
    await expect(page.getByLabel('Tags to give', { exact: true })).toBeVisible()
    await expectNoBarriers(page)
    await page.screenshot({ path: `screenshots/gallery-tagging-${around.width}-${around.colorScheme}.png` })
    await page.keyboard.press('Escape')
    await bar(page).getByRole('button', { name: 'To the bin' }).click()
    await expect(notice(page, '1 picture is in the bin.')).toBeVisible()
    await page.getByRole('link', { name: 'Bin' }).click()
    await expect(tile(page, id)).toBeVisible()
    await expectNoBarriers(page)
    await page.screenshot({ path: `screenshots/bin-${around.width}-${around.colorScheme}.png` })
    await page.getByLabel('Search', { exact: true }).fill('zebra')
    await expect(page.getByText('No picture is like that.')).toBeVisible()
    await expectNoBarriers(page)
  })
}

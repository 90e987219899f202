import { expect, type Page, test } from '@playwright/test'
import { expectNoBarriers, surround, surroundings } from './barriers'
import { endAll, openPage, pictureOf, pictures, shown, submit } from './stack'

test.afterEach(async ({ request }) => {
  await endAll(request)
})

const dialog = (page: Page) => page.getByRole('dialog')
const zoom = (page: Page) => dialog(page).getByRole('group', { name: /^The picture at/ })

test('arrow keys lead through the list, and the focus comes back to where they ended', async ({
  page,
  request,
}) => {
  const { word, ids } = await pictures(request, 3)
  await openPage(page, `/gallery?q=${word}`)
  await page.locator(`[data-image="${ids[0]}"] .open`).focus()
  await page.keyboard.press('Enter')
  await expect(zoom(page)).toBeVisible()
  await expect(dialog(page).getByRole('button', { name: 'Previous picture' })).toBeDisabled()
  await page.keyboard.press('ArrowRight')
  await expect(page).toHaveURL(new RegExp(`image=${ids[1]}`))
  await page.keyboard.press('ArrowRight')
  await expect(page).toHaveURL(new RegExp(`image=${ids[2]}`))
  await expect(dialog(page).getByRole('button', { name: 'Next picture' })).toBeDisabled()
  await page.keyboard.press('4')
  await page.keyboard.press('f')
  await expect.poll(() => shown(request, ids[2] ?? '')).toMatchObject({ rating: 4, favourite: true })
  await page.keyboard.press('Escape')
  await expect(dialog(page)).toHaveCount(0)
  await expect(page.locator(`[data-image="${ids[2]}"] .open`)).toBeFocused()
  await expect(page).not.toHaveURL(/image=/)
})

test('a picture is zoomed and moved by wheel, keys and buttons', async ({ page, request }) => {
  const { word, ids } = await pictures(request, 2)
  await openPage(page, `/gallery?q=${word}&image=${ids[0]}`)
  const image = dialog(page).getByRole('img')
  await expect(image).toBeVisible()
  const box = async () => (await image.boundingBox()) ?? { x: NaN, width: NaN }
  const whole = await box()
  await zoom(page).hover()
  await page.mouse.wheel(0, -300)
  await expect.poll(async () => (await box()).width).toBeGreaterThan(whole.width * 1.5)

  await zoom(page).focus()
  const before = (await box()).x
  await page.keyboard.press('ArrowLeft')
  await expect.poll(async () => (await box()).x).toBeGreaterThan(before)
  await expect(page).toHaveURL(new RegExp(`image=${ids[0]}`))
  await page.keyboard.press('z')
  await expect.poll(async () => (await box()).width).toBeCloseTo(whole.width, 0)
  await dialog(page).getByRole('button', { name: 'Larger' }).click()
  await expect.poll(async () => (await box()).width).toBeCloseTo(whole.width * 1.25, 0)
  const frame = await zoom(page).boundingBox()
  const middle = {
    x: (frame?.x ?? 0) + (frame?.width ?? 0) / 2,
    y: (frame?.y ?? 0) + (frame?.height ?? 0) / 2,
  }
  await page.keyboard.press('Tab')
  await dialog(page).getByRole('button', { name: 'Larger' }).click({ clickCount: 4 })
  const left = (await box()).x
  await page.mouse.move(middle.x, middle.y)
  await page.mouse.down()
  await page.mouse.move(middle.x + 50, middle.y)
  await page.mouse.up()
  expect((await box()).x).toBeCloseTo(left + 50, 0)
  await dialog(page).getByRole('button', { name: 'The whole picture' }).click()
  await expect.poll(async () => (await box()).width).toBeCloseTo(whole.width, 0)
})

test('two fingers pinch', async ({ page, request }) => {
  const { word, ids } = await pictures(request, 1)
  await openPage(page, `/gallery?q=${word}&image=${ids[0]}`)
  const image = dialog(page).getByRole('img')
  await expect(image).toBeVisible()
  const width = async () => (await image.boundingBox())?.width ?? NaN
  const whole = await width()
  const frame = await zoom(page).boundingBox()
  const middle = {
    x: (frame?.x ?? 0) + (frame?.width ?? 0) / 2,
    y: (frame?.y ?? 0) + (frame?.height ?? 0) / 2,
  }
  const session = await page.context().newCDPSession(page)
  const touch = (type: 'touchStart' | 'touchMove', apart: number) =>
    session.send('Input.dispatchTouchEvent', {
      type,
      touchPoints: [
        { x: middle.x - apart, y: middle.y, id: 0 },
        { x: middle.x + apart, y: middle.y, id: 1 },
      ],
    })
  await touch('touchStart', 50)
  await touch('touchMove', 75)
  await touch('touchMove', 100)
  await session.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] })
  await expect.poll(width).toBeGreaterThan(whole * 1.8)
})

test('tags are given and taken, and lead to others that have them', async ({ page, request }) => {
  const { word, ids } = await pictures(request, 2)
  await request.put(`/api/v1/images/${ids[1]}/tags/${word}-tag`)
  await openPage(page, `/gallery?q=${word}&image=${ids[0]}`)
  await dialog(page).getByLabel('Add a tag', { exact: true }).fill(`${word}-tag`)
  await page.keyboard.press('Enter')
  const tags = dialog(page).getByRole('list', { name: 'Tags' })
  await expect(tags.getByRole('listitem')).toHaveText(`${word}-tag· by hand`)
  await tags.getByRole('link', { name: `${word}-tag` }).click()
  await expect(dialog(page)).toHaveCount(0)
  await expect(page.getByRole('button', { name: `Remove Tag: ${word}-tag` })).toBeVisible()
  await expect(page.locator('[data-image]')).toHaveCount(2)
  await page.goBack()
  await tags.getByRole('button', { name: `Take off: ${word}-tag` }).click()
  await expect(tags).toHaveCount(0)
  await expect.poll(async () => (await shown(request, ids[0] ?? '')).tags).toEqual([])
})

test('what was made from a picture leads back to it, and its settings are used', async ({
  page,
  request,
}) => {
  const parent = await pictureOf(request, await submit(request, { prompt: 'a red circle', seed: 5 }))
  const params = { prompt: 'a green square', seed: 6, steps: 3, init: { image: parent.id }, strength: 0.9 }
  const child = await pictureOf(request, await submit(request, params))
  await openPage(page, `/gallery?image=${child.id}`)
  await expect(
    dialog(page).getByRole('definition').filter({ hasText: 'a picture, 90 % painted over' }),
  ).toBeVisible()
  await dialog(page).getByRole('list', { name: 'Made from', exact: true }).getByRole('button').click()
  await expect(page).toHaveURL(new RegExp(`image=${parent.id}`))
  await expect(
    dialog(page)
      .getByRole('list', { name: 'Others made from it' })
      .getByRole('button', { name: /green square/ }),
  ).toBeVisible()
  await expect(dialog(page).getByRole('list', { name: 'Similar' })).toBeVisible()

  const download = page.waitForEvent('download')
  await dialog(page).getByRole('link', { name: 'Download' }).click()
  expect((await download).suggestedFilename()).toBe(`${parent.id}.png`)
  await dialog(page).getByRole('button', { name: 'Use settings' }).click()
  await expect(page).toHaveURL(/\/create$/)
  await expect(page.getByLabel('Prompt', { exact: true })).toHaveValue('a red circle')
  await expect(page.getByLabel('Seed', { exact: true })).toHaveValue('5')
})

test('a picture goes into the bin, comes back, and is deleted for good after a question', async ({
  page,
  request,
}) => {
  const { word, ids } = await pictures(request, 2)
  await openPage(page, `/gallery?q=${word}&image=${ids[0]}`)
  await dialog(page).getByRole('button', { name: 'To the bin' }).click()
  await expect(dialog(page).getByText('This picture is in the bin.')).toBeVisible()
  await dialog(page).getByRole('button', { name: 'Restore' }).click()
  await expect(dialog(page).getByRole('button', { name: 'To the bin' })).toBeVisible()
  await page.keyboard.press('Delete')
  await dialog(page).getByRole('button', { name: 'Delete for good…' }).click()
  await dialog(page).getByRole('button', { name: 'Delete it' }).click()
  await expect(page).toHaveURL(new RegExp(`image=${ids[1]}`))
  await expect.poll(async () => (await request.get(`/api/v1/images/${ids[0]}`)).status()).toBe(404)
})

test('pictures are compared side by side, zoomed together, with what differs marked', async ({
  page,
  request,
}) => {
  const { word, ids } = await pictures(request, 3)
  await openPage(page, `/gallery?q=${word}`)
  await page.locator(`[data-image="${ids[0]}"] .open`).click({ modifiers: ['ControlOrMeta'] })
  await page.locator(`[data-image="${ids[1]}"] .open`).click()
  await page.getByRole('button', { name: 'Compare' }).click()
  await expect(page).toHaveURL(/\/gallery\/compare\?ids=/)
  const images = page.getByRole('list', { name: 'Pictures side by side' }).getByRole('img')
  await expect(images).toHaveCount(2)
  const widths = async () =>
    Promise.all([0, 1].map(async (at) => (await images.nth(at).boundingBox())?.width ?? NaN))
  const [whole = NaN] = await widths()
  await page
    .getByRole('group', { name: /^The picture at/ })
    .first()
    .hover()
  await page.mouse.wheel(0, -300)
  await expect.poll(async () => Math.min(...(await widths()))).toBeGreaterThan(whole * 1.5)
  const [one = NaN, two = NaN] = await widths()
  expect(one).toBeCloseTo(two, 1)

  await expect(page.getByRole('row', { name: /^Seed≠ differs/ })).toBeVisible()
  await expect(page.getByRole('row', { name: /^Steps/ })).toBeVisible()
  await page.getByRole('checkbox', { name: /Only what differs/ }).check()
  await expect(page.getByRole('row', { name: /^Steps/ })).toHaveCount(0)
  await page.reload()
  await expect(images).toHaveCount(2)
  await page.getByRole('button', { name: 'Leave out: Picture 2' }).click()
  await expect(page.getByText(/Two to four pictures are compared/)).toBeVisible()
})

for (const around of surroundings) {
  test(`a picture and a comparison have no barrier at ${around.name}`, async ({ page, request }) => {
    await surround(page, around)
    const parent = await pictureOf(request, await submit(request, { prompt: 'a red circle' }))
    const params = { prompt: 'a red circle on a blue background', init: { image: parent.id } }
    const { id } = await pictureOf(request, await submit(request, params))
    await request.put(`/api/v1/images/${id}/tags/harbour`)
    await openPage(page, `/gallery?image=${id}`)
    await expect(dialog(page).getByRole('list', { name: 'Made from', exact: true })).toBeVisible()
    await expect(dialog(page).getByRole('list', { name: 'Similar' })).toBeVisible()
    await expectNoBarriers(page)
    await page.screenshot({ path: `screenshots/picture-full-${around.width}-${around.colorScheme}.png` })
    await dialog(page).getByRole('button', { name: 'To the bin' }).click()
    await dialog(page).getByRole('button', { name: 'Delete for good…' }).click()
    await expect(dialog(page).getByRole('button', { name: 'Delete it' })).toBeVisible()
    await expectNoBarriers(page)
    await page.screenshot({ path: `screenshots/picture-bin-${around.width}-${around.colorScheme}.png` })
    await dialog(page).getByRole('button', { name: 'Restore' }).click()
    await expect(dialog(page).getByRole('button', { name: 'To the bin' })).toBeVisible()

    await openPage(page, `/gallery/compare?ids=${parent.id},${id}`)
    await expect(page.getByRole('row', { name: /^Prompt≠ differs/ })).toBeVisible()
    await expectNoBarriers(page)
    await page.screenshot({
      path: `screenshots/compare-${around.width}-${around.colorScheme}.png`,
      fullPage: true,
    })
    await openPage(page, '/gallery/compare')
    await expect(page.getByText(/Two to four pictures are compared/)).toBeVisible()
    await expectNoBarriers(page)
  })
}

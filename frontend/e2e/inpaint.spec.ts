import { expect, type Page, test } from '@playwright/test'
import { expectNoBarriers, surround, surroundings } from './barriers'
import { drawn, endAll, openPage, pictureOf, submit } from './stack'

test.afterEach(async ({ request }) => {
  await endAll(request)
})

const editor = (page: Page) => page.getByRole('dialog', { name: 'Paint over' })
const canvas = (page: Page) => editor(page).getByRole('img', { name: /^Mask/ })

/** The page with a finished picture to start from, and its editor of masks open. */
async function openEditor(page: Page, prompt: string): Promise<void> {
  await openPage(page, '/create')
  await page.getByRole('button', { name: 'Choose one of yours' }).click()
  await page
    .getByRole('button', { name: `Start from: ${prompt}` })
    .first()
    .click()
  await page.getByRole('button', { name: 'Paint a mask' }).click()
  await expect(editor(page).getByRole('button', { name: 'Undo' })).toBeVisible()
  // The picture is there once its mask has its size.
  await expect.poll(() => canvas(page).evaluate((it: HTMLCanvasElement) => it.width)).toBe(128)
}

const share = async (page: Page) =>
  Number(/\d+/.exec((await canvas(page).getAttribute('aria-label')) ?? '')?.[0] ?? -1)

/** How much two pictures differ on average, left of their middle and right of it. */
async function differences(page: Page, one: string, other: string): Promise<[number, number]> {
  return page.evaluate(
    async (files) => {
      const pixels = await Promise.all(
        files.map(async (file) => {
          const picture = await createImageBitmap(await (await fetch(file)).blob())
          const context = new OffscreenCanvas(picture.width, picture.height).getContext('2d')
          context?.drawImage(picture, 0, 0)
          return context?.getImageData(0, 0, picture.width, picture.height)
        }),
      )
      const [a, b] = pixels
      if (!a || !b || a.width !== b.width) {
        throw new Error('two pictures of one size')
      }
      const sums: [number, number] = [0, 0]
      a.data.forEach((value, at) => {
        const side = Math.floor(at / 4) % a.width < a.width / 2 ? 0 : 1
        sums[side] += Math.abs(value - (b.data[at] ?? 0))
      })
      return sums.map((sum) => sum / (a.data.length / 2)) as [number, number]
    },
    [one, other].map((id) => `/api/v1/images/${id}/file`),
  )
}

test('a painted mask decides what of a picture is drawn anew', async ({ page, request }) => {
  const prompt = 'a red circle on a blue background'
  const start = await pictureOf(request, await submit(request, { prompt, seed: 11 }))
  await openEditor(page, prompt)

  const area = await canvas(page).boundingBox()
  if (!area) {
    throw new Error('the mask has a place')
  }
  const at = (x: number, y: number) => [area.x + area.width * x, area.y + area.height * y] as const
  await editor(page).getByLabel('Size').fill('30')
  for (const y of [0.1, 0.3, 0.5, 0.7, 0.9]) {
    await page.mouse.move(...at(0.02, y))
    await page.mouse.down()
    await page.mouse.move(...at(0.34, y), { steps: 8 })
    await page.mouse.up()
  }
  expect(await share(page)).toBeGreaterThan(40)
  expect(await share(page)).toBeLessThan(56)

  await editor(page).getByRole('button', { name: 'Invert' }).click()
  expect(await share(page)).toBeGreaterThan(44)
  await editor(page).getByRole('button', { name: 'Undo' }).click()
  await editor(page).getByRole('button', { name: 'Erase', exact: true }).click()
  const before = await share(page)
  await page.mouse.move(...at(0.2, 0.5))
  await page.mouse.down()
  await page.mouse.up()
  expect(await share(page)).toBeLessThan(before)
  await editor(page).getByRole('button', { name: 'Undo' }).click()
  expect(await share(page)).toBe(before)

  await editor(page).getByRole('button', { name: 'Use this mask' }).click()
  await expect(page.getByRole('img', { name: 'What is painted over, in white' })).toBeVisible()
  await page.getByLabel('Prompt', { exact: true }).fill('a green square on a yellow background')
  await page.getByLabel('Strength').fill('0.9')
  await page.getByLabel('Steps', { exact: true }).fill('20')
  const job = await drawn(page, request)
  expect(job.state).toBe('succeeded')
  expect(job.params).toMatchObject({ init: { image: start.id }, strength: 0.9 })
  const picture = job.images[0]?.id ?? ''
  await expect(page.locator(`[data-image="${picture}"]`)).toBeVisible()
  const [left, right] = await differences(page, start.id, picture)
  expect(left).toBeGreaterThan(2 * right)
})

test('an upload is started from, and what is no picture is refused beside it', async ({ page, request }) => {
  const { id } = await pictureOf(request, await submit(request, { prompt: 'a yellow star' }))
  const file = await (await request.get(`/api/v1/images/${id}/file`)).body()
  await openPage(page, '/create')
  const input = page.getByLabel('Picture to start from', { exact: true })
  const start = page.getByRole('group', { name: 'Start from a picture' })
  await input.setInputFiles({ name: 'a.png', mimeType: 'image/png', buffer: Buffer.from('no picture') })
  await expect(start.getByRole('alert').filter({ hasText: /./ })).toBeVisible()
  await input.setInputFiles({ name: 'a.png', mimeType: 'image/png', buffer: file })
  await expect(start.getByRole('img', { name: 'The picture to start from' })).toBeVisible()
  await page.getByLabel('Strength').fill('2')
  await expect(page.getByLabel('Strength')).toHaveAccessibleDescription(/0 to 1/)
  await page.getByLabel('Strength').fill('')
  await page.reload()
  await expect(start.getByRole('img', { name: 'The picture to start from' })).toBeVisible()
  await page.getByLabel('Prompt', { exact: true }).fill('a yellow star')
  const job = await drawn(page, request)
  expect(job.state).toBe('succeeded')
  expect(job.params.strength).toBe(0.75)
  expect(job.params.init).toHaveProperty('upload')
  await start.getByRole('button', { name: 'Start from nothing' }).click()
  await expect(page.getByLabel('Strength')).toHaveCount(0)
})

test('a rectangle is filled from the keyboard, and a mask is painted on later', async ({ page, request }) => {
  const prompt = 'a green square'
  await pictureOf(request, await submit(request, { prompt }))
  await openEditor(page, prompt)
  await editor(page).getByText('Fill a rectangle instead').focus()
  await page.keyboard.press('Enter')
  const widths = { 'Left, %': '0', 'Top, %': '0', 'Width, %': '50', 'Height, %': '100' }
  for (const [label, value] of Object.entries(widths)) {
    await editor(page).getByLabel(label).focus()
    await page.keyboard.press('ControlOrMeta+a')
    await page.keyboard.type(value)
  }
  await editor(page).getByRole('button', { name: 'Paint it' }).focus()
  await page.keyboard.press('Enter')
  expect(await share(page)).toBe(50)
  await editor(page).getByLabel('Width, %').fill('0')
  await expect(editor(page).getByRole('alert').filter({ hasText: 'Each from 0 to 100' })).toBeVisible()
  await editor(page).getByRole('button', { name: 'Use this mask' }).focus()
  await page.keyboard.press('Enter')
  await expect(editor(page)).toHaveCount(0)
  await page.getByRole('button', { name: 'Change the mask' }).click()
  await expect.poll(() => share(page)).toBe(50)
})

test('a finger paints', async ({ browser, request, baseURL }) => {
  const prompt = 'a yellow triangle'
  await pictureOf(request, await submit(request, { prompt }))
  const context = await browser.newContext({
    ...(baseURL === undefined ? {} : { baseURL }),
    hasTouch: true,
    viewport: { width: 390, height: 844 },
  })
  const page = await context.newPage()
  await openEditor(page, prompt)
  const area = await canvas(page).boundingBox()
  if (!area) {
    throw new Error('the mask has a place')
  }
  const scrolled = await editor(page).evaluate((it) => it.scrollTop)
  const fingers = await context.newCDPSession(page)
  const touch = (type: 'touchStart' | 'touchMove', y: number) =>
    fingers.send('Input.dispatchTouchEvent', {
      type,
      touchPoints: [{ x: area.x + area.width / 2, y: area.y + area.height * y }],
    })
  await touch('touchStart', 0.1)
  for (const y of [0.3, 0.5, 0.7, 0.9]) {
    await touch('touchMove', y)
  }
  await fingers.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] })
  await expect.poll(() => share(page)).toBeGreaterThan(7)
  expect(await editor(page).evaluate((it) => it.scrollTop)).toBe(scrolled)
  await context.close()
})

for (const around of surroundings) {
  test(`painting has no barrier at ${around.name}`, async ({ page, request }) => {
    await surround(page, around)
    const prompt = 'a red circle on a blue background'
    await pictureOf(request, await submit(request, { prompt }))
    await openPage(page, '/create')
    await page.getByRole('button', { name: 'Choose one of yours' }).click()
    await expect(page.getByRole('button', { name: `Start from: ${prompt}` }).first()).toBeVisible()
    await expectNoBarriers(page)
    await page.keyboard.press('Escape')
    await openEditor(page, prompt)
    await editor(page).getByText('Fill a rectangle instead').click()
    await editor(page).getByRole('button', { name: 'Paint it' }).click()
    await expectNoBarriers(page)
    await page.screenshot({ path: `screenshots/mask-${around.width}-${around.colorScheme}.png` })
    await editor(page).getByRole('button', { name: 'Use this mask' }).click()
    await expect(page.getByLabel('Strength')).toBeVisible()
    await expectNoBarriers(page)
  })
}

import { expect, test } from '@playwright/test'
import { expectNoBarriers, surround, surroundings } from './barriers'
import { endAll, openPage, pictureOf, submit } from './stack'

test.afterEach(async ({ request }) => {
  await endAll(request)
  await request.put('/api/v1/settings', { data: { auto_tag: null } })
  await request.delete('/api/v1/prompt-templates/ink')
  await request.delete('/api/v1/tag-aliases/ring')
})

test('whether pictures are tagged is one’s own choice, and holds for the next picture', async ({
  page,
  request,
}) => {
  await openPage(page, '/settings')
  await expect(page.getByRole('radio', { name: 'As the server is configured' })).toBeChecked()
  await page.getByRole('radio', { name: /^Never/ }).check()
  await expect
    .poll(async () => (await (await request.get('/api/v1/settings')).json()) as object)
    .toEqual({ auto_tag: false })
  const { id } = await pictureOf(request, await submit(request, { prompt: 'a red circle' }))
  const picture = (await (await request.get(`/api/v1/images/${id}`)).json()) as { tags_state: string }
  expect(picture.tags_state).toBe('none')
  await page.reload()
  await expect(page.getByRole('radio', { name: /^Never/ })).toBeChecked()
})

test('a style is made, refused by its field, changed and forgotten', async ({ page, request }) => {
  await openPage(page, '/settings')
  await page.getByRole('button', { name: 'New style' }).click()
  const form = page.getByRole('form', { name: 'New style' })
  await form.getByLabel('Name').fill('ink')
  await form.getByLabel('Words').fill('an ink drawing')
  await form.getByRole('button', { name: 'Make it' }).click()
  await expect(form.getByLabel('Words')).toHaveAccessibleDescription(/\{prompt\}/)
  await form.getByLabel('Words').fill('ink drawing of {prompt}')
  await expect(form.getByText('ink drawing of a red circle')).toBeVisible()
  await form.getByRole('button', { name: 'Make it' }).click()
  const row = page.locator('[data-style="ink"]')
  await expect(row).toContainText('ink drawing of {prompt}')

  await row.getByRole('button', { name: 'Edit ink' }).click()
  await page.getByRole('form', { name: 'Change ink' }).getByLabel('Shown as').fill('In ink')
  await page.getByRole('button', { name: 'Save' }).click()
  await expect(row).toContainText('In ink')
  expect(await (await request.get('/api/v1/prompt-templates')).json()).toMatchObject([
    { name: 'ink', label: 'In ink', content: 'ink drawing of {prompt}' },
  ])
  await row.getByRole('button', { name: 'Forget In ink' }).click()
  await page.getByRole('alertdialog').getByRole('button', { name: 'Forget it' }).click()
  await expect(row).toHaveCount(0)
})

test('a tag is written as another, and no circle of them is made', async ({ page, request }) => {
  await openPage(page, '/settings')
  const form = page.getByRole('form', { name: 'New alias' })
  await form.getByLabel('Tag', { exact: true }).fill('ring')
  await form.getByLabel('Written as').fill('circle')
  await form.getByRole('button', { name: 'Add' }).click()
  const rows = page.getByRole('list', { name: 'Tag aliases' })
  await expect(rows).toContainText('ring is written as circle')
  expect(await (await request.get('/api/v1/tag-aliases')).json()).toMatchObject([
    { alias: 'ring', tag: 'circle' },
  ])
  await form.getByLabel('Tag', { exact: true }).fill('circle')
  await form.getByLabel('Written as').fill('ring')
  await form.getByRole('button', { name: 'Add' }).click()
  await expect(form.locator('[aria-invalid="true"]')).toHaveCount(1)
  await rows.getByRole('button', { name: 'Forget ring' }).click()
  await expect(rows).toHaveCount(0)
})

test('a key is made, shown once and lets its name in until it is revoked', async ({ page, request }) => {
  await openPage(page, '/settings')
  const form = page.getByRole('form', { name: 'New key' })
  await form.getByLabel('Name').fill('local')
  await form.getByRole('button', { name: 'Make a key' }).click()
  await expect(form.getByLabel('Name')).toHaveAccessibleDescription(/letters, digits/)
  // Another at each run: the stack may have had it before.
  const name = `anna-${Date.now()}`
  await form.getByLabel('Name').fill(name)
  await form.getByRole('button', { name: 'Make a key' }).click()
  const made = page.getByLabel(`Key of ${name}, shown this once`)
  const key = await made.inputValue()
  expect(key).toMatch(/^mystic_[0-9a-f]{64}$/)
  const asked = async () => {
    const headers = { authorization: `Bearer ${key}` }
    return (await request.get('/api/v1/settings', { headers })).status()
  }
  expect(await asked()).toBe(200)
  await page.getByRole('button', { name: 'Done' }).click()
  await expect(made).toHaveCount(0)
  await page.reload()
  await page.getByRole('button', { name: `Revoke the key of ${name}` }).click()
  await page.getByRole('alertdialog').getByRole('button', { name: 'Revoke it' }).click()
  await expect(page.getByRole('listitem').filter({ hasText: name })).toContainText('revoked')
  expect(await asked()).toBe(401)
  await expect(page.locator('body')).not.toContainText(key)
})

for (const around of surroundings) {
  test(`the settings have no barrier at ${around.name}`, async ({ page, request }) => {
    await surround(page, around)
    await request.put('/api/v1/prompt-templates/ink', {
      data: { content: 'ink drawing of {prompt}', category: 'Art', negative_prompt: 'colour' },
    })
    await request.put('/api/v1/tag-aliases/ring', { data: { tag: 'circle' } })
    await openPage(page, '/settings')
    await expect(page.locator('[data-style="ink"]')).toBeVisible()
    await expect(page.getByRole('list', { name: 'Tag aliases' })).toBeVisible()
    await page.getByRole('button', { name: 'New style' }).click()
    await expectNoBarriers(page)
    await page.screenshot({
      path: `screenshots/settings-${around.width}-${around.colorScheme}.png`,
      fullPage: true,
    })
  })
}

import { type APIRequestContext, expect, type Page } from '@playwright/test'

/** A job that lasts long enough to be looked at and cancelled: many pictures of as many steps as the preset allows. */
export async function submitLong(request: APIRequestContext, prompt: string): Promise<string> {
  return submit(request, { prompt, steps: 50, batch: 24 })
}

/** Submits a picture job; `rest` is what stands beside its parameters. */
export async function submit(request: APIRequestContext, params: object, rest: object = {}): Promise<string> {
  const data = { kind: 'generate', preset: 'demo', params, ...rest }
  const response = await request.post('/api/v1/jobs', { data })
  expect(response.status(), await response.text()).toBe(202)
  return ((await response.json()) as { id: string }).id
}

/** A preset as the demo painter, with what a test asks for on top. */
export async function putPreset(request: APIRequestContext, name: string, more: object): Promise<void> {
  const demo = (await (await request.get('/api/v1/presets/demo')).json()) as Record<string, object>
  const { title, engine, files, defaults, limits, memory } = demo
  const data = { title, engine, files, defaults, limits, memory, ...more }
  const response = await request.put(`/api/v1/presets/${name}`, { data })
  expect([200, 201], await response.text()).toContain(response.status())
}

/** A job that fails: it takes longer than it may. */
export async function submitFailing(request: APIRequestContext, prompt: string): Promise<string> {
  const params = { prompt, steps: 50, batch: 64 }
  const data = { kind: 'generate', preset: 'demo', params, timeout_s: 1, max_attempts: 1 }
  const response = await request.post('/api/v1/jobs', { data })
  expect(response.status(), await response.text()).toBe(202)
  const { id } = (await response.json()) as { id: string }
  const ended = await request.get(`/api/v1/jobs/${id}?wait=60s`, { timeout: 70_000 })
  expect(((await ended.json()) as { state: string }).state).toBe('failed')
  return id
}

/** What the page asked for when its button was pressed, once it is done. */
export async function drawn(
  page: Page,
  request: APIRequestContext,
): Promise<{
  id: string
  state: string
  preset: string
  params: Record<string, unknown>
  images: { id: string }[]
}> {
  const answer = page.waitForResponse(
    (response) => response.url().endsWith('/api/v1/jobs') && response.request().method() === 'POST',
  )
  await page.getByRole('button', { name: 'Draw', exact: true }).click()
  const { id } = (await (await answer).json()) as { id: string }
  const ended = await request.get(`/api/v1/jobs/${id}?wait=60s`, { timeout: 70_000 })
  return (await ended.json()) as Awaited<ReturnType<typeof drawn>>
}

/** Ends whatever a test left behind, pauses too. */
export async function endAll(request: APIRequestContext): Promise<void> {
  const pauses = (await (await request.get('/api/v1/pauses')).json()) as { scope: string; name?: string }[]
  for (const { scope, name } of pauses) {
    await request.delete('/api/v1/pauses', { params: { scope, ...(name === undefined ? {} : { name }) } })
  }
  const page = await request.get('/api/v1/jobs?state=queued,leased,running&limit=200')
  const { jobs } = (await page.json()) as { jobs: { id: string }[] }
  for (const { id } of jobs) {
    await request.post(`/api/v1/jobs/${id}/cancel`)
  }
  await expect
    .poll(async () => {
      const { counts } = (await (await request.get('/api/v1/queue')).json()) as {
        counts: Record<string, number>
      }
      return (counts.queued ?? 0) + (counts.leased ?? 0) + (counts.running ?? 0)
    })
    .toBe(0)
}

/** Fills in the form and sends it; the answer names the job. */
export async function draw(page: Page, prompt: string, seed: string): Promise<string> {
  await page.getByLabel('Prompt', { exact: true }).fill(prompt)
  await page.getByLabel('Seed', { exact: true }).fill(seed)
  const answer = page.waitForResponse(
    (response) => response.url().endsWith('/api/v1/jobs') && response.request().method() === 'POST',
  )
  await page.getByRole('button', { name: 'Draw' }).click()
  return ((await (await answer).json()) as { id: string }).id
}

export async function openPage(page: Page, path = '/'): Promise<void> {
  await page.goto(path)
  await expect(page.getByText('Live', { exact: true })).toBeVisible()
}

/** The first picture of a job as the API has it; the job must have succeeded. */
export async function pictureOf(
  request: APIRequestContext,
  job: string,
): Promise<{ id: string; seed: number }> {
  const response = await request.get(`/api/v1/jobs/${job}?wait=60s`, { timeout: 70_000 })
  const detail = (await response.json()) as { state: string; images: { id: string; seed: number }[] }
  expect(detail.state).toBe('succeeded')
  const picture = detail.images[0]
  if (!picture) {
    throw new Error(`job ${job} succeeded without a picture`)
  }
  return picture
}

/** As many pictures as that, untagged, of a prompt that no other has: a word of it finds them all. */
export async function pictures(
  request: APIRequestContext,
  batch: number,
): Promise<{ word: string; ids: string[] }> {
  const word = `w${Date.now().toString(36)}`
  const params = { prompt: `a red circle ${word}`, batch, steps: 1 }
  await pictureOf(request, await submit(request, params, { auto_tag: false }))
  const page = await request.get('/api/v1/images', { params: { q: word, limit: 200 } })
  const { images } = (await page.json()) as { images: { id: string }[] }
  expect(images).toHaveLength(batch)
  return { word, ids: images.map(({ id }) => id) }
}

/** A picture as the API has it. */
export async function shown(request: APIRequestContext, id: string) {
  const response = await request.get(`/api/v1/images/${id}`)
  return (await response.json()) as {
    rating: number
    favourite: boolean
    binned_at?: string
    tags: { name: string; source: string }[]
  }
}

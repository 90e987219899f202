import { type APIRequestContext, expect, type Page } from '@playwright/test'

/** A job that lasts long enough to be looked at and cancelled: many pictures of as many steps as the preset allows. */
export async function submitLong(request: APIRequestContext, prompt: string): Promise<string> {
  return submit(request, { prompt, steps: 50, batch: 24 })
}

export async function submit(request: APIRequestContext, params: object): Promise<string> {
  const response = await request.post('/api/v1/jobs', { data: { kind: 'generate', preset: 'demo', params } })
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

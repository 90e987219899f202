// Writes each page, light and dark, wide and narrow, into `screenshots/`: of the stack that MYSTIC_URL names, or of this
// checkout's own, which is started for it and stopped again. A few demo jobs are made first, so that there is something to see.
import { chromium } from '@playwright/test'
import { spawn } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = fileURLToPath(new URL('../screenshots/pages/', import.meta.url))

/** The stack's address, and how to stop what was started. */
async function stack() {
  if (process.env.MYSTIC_URL) {
    return { url: process.env.MYSTIC_URL, stop: () => Promise.resolve() }
  }
  const mystic = spawn('cargo', ['run', '-q', '-p', 'mystic', '--', 'up'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise((resolve) => mystic.once('exit', resolve))
  const told = new Promise((resolve) => {
    createInterface(mystic.stdout).on('line', (line) => {
      if (line.startsWith('http')) {
        resolve(line)
      }
    })
  })
  const url = await Promise.race([told, ended])
  if (typeof url !== 'string') {
    throw new Error('the stack did not start; with MYSTIC_URL a running one is taken')
  }
  return {
    url,
    stop: async () => {
      mystic.kill('SIGINT')
      await ended
    },
  }
}

/** Asks the API and gives its answer; anything but success ends the script. */
async function ask(url, method, path, body) {
  const response = await fetch(new URL(`/api/v1/${path}`, url), {
    method,
    ...(body ? { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) } : {}),
  })
  if (!response.ok) {
    throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
  }
  return response.status === 204 ? undefined : response.json()
}

async function submit(url, params, more = {}) {
  const { id } = await ask(url, 'POST', 'jobs', { kind: 'generate', preset: 'demo', params, ...more })
  return id
}

async function ended(url, job) {
  for (;;) {
    const found = await ask(url, 'GET', `jobs/${job}?wait=10s`)
    if (['succeeded', 'failed', 'cancelled'].includes(found.state)) {
      return found
    }
  }
}

/** Something of everything: pictures, a failure, a style, an alias, a job at work and two that wait. */
async function populate(url) {
  const style = {
    label: 'Ink',
    category: 'Art',
    content: 'ink drawing of {prompt}',
    negative_prompt: 'colour',
  }
  await ask(url, 'PUT', 'prompt-templates/ink', style)
  await ask(url, 'PUT', 'tag-aliases/ring', { tag: 'circle' })
  const failing = { prompt: 'a picture that takes too long', steps: 50, batch: 64 }
  await ended(url, await submit(url, failing, { timeout_s: 1, max_attempts: 1 }))
  const prompts = [
    'a red circle on a blue background',
    'a green square',
    'a yellow star on a black background',
  ]
  const jobs = []
  for (const prompt of prompts) {
    jobs.push(await submit(url, { prompt, batch: 2 }))
  }
  for (const job of jobs) {
    await ended(url, job)
  }
  const long = { steps: 50, batch: 64 }
  for (const prompt of prompts) {
    jobs.push(await submit(url, { prompt, ...long }))
  }
  const [done, , , ...open] = jobs
  const { images } = await ask(url, 'GET', `jobs/${done}`)
  return { done, open, picture: images[0]?.id }
}

/** Of the window, and of a picture of a page, in pixels. */
const [height, highest] = [900, 6000]

async function shoot(url, { done, picture }) {
  const pages = {
    overview: '/',
    create: '/create',
    queue: '/queue',
    job: `/jobs/${done}`,
    gallery: '/gallery',
    picture: `/gallery?image=${picture}`,
    devices: '/devices',
    models: '/models',
    failures: '/failures',
    settings: '/settings',
  }
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu'],
  })
  try {
    for (const colorScheme of ['light', 'dark']) {
      for (const width of [390, 1440]) {
        const page = await browser.newPage({
          baseURL: url,
          colorScheme,
          reducedMotion: 'reduce',
          viewport: { width, height },
        })
        for (const [name, path] of Object.entries(pages)) {
          await page.goto(path)
          await page.getByText('Live', { exact: true }).waitFor()
          await page.locator('main h1').waitFor({ state: 'attached' })
          // The page's stream stays open, so the network is never idle: a picture is done when none is on its way.
          await page.waitForFunction(() =>
            // What is below the screen may be left for later by the browser.
            [...document.images].every((it) => it.complete || it.loading === 'lazy'),
          )
          await page.waitForTimeout(800)
          // The window becomes as high as the page: what keeps to its edge would else stand in the middle of the picture,
          // and a list that mounts only what is seen would end there.
          if (name !== 'picture') {
            const whole = await page.evaluate(() => document.documentElement.scrollHeight)
            await page.setViewportSize({ width, height: Math.min(Math.max(whole, height), highest) })
            await page.waitForTimeout(400)
          }
          await page.screenshot({ path: `${folder}${name}-${width}-${colorScheme}.png` })
          await page.setViewportSize({ width, height })
        }
        await page.close()
      }
    }
    console.log(`${Object.keys(pages).length * 4} pictures of pages are in ${folder}`)
  } finally {
    await browser.close()
  }
}

const { url, stop } = await stack()
try {
  await mkdir(folder, { recursive: true })
  const made = await populate(url)
  try {
    await shoot(url, made)
  } finally {
    for (const job of made.open) {
      await ask(url, 'POST', `jobs/${job}/cancel`)
    }
  }
} finally {
  await stop()
}

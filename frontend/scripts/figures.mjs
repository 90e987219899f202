// What the page costs its user, of the stack that MYSTIC_URL names, in Chromium: how long until something is painted, how
// long from a key or a press to the next picture on the screen, how much of the lists is mounted. The last line is JSON.
import { chromium } from '@playwright/test'
import process from 'node:process'

const rounds = 5
const pages = { overview: '/', queue: '/queue', gallery: '/gallery', create: '/create' }

/** A page that notes every interaction, of a browser that has nothing in its cache. */
async function open(browser, path) {
  const context = await browser.newContext({
    baseURL: process.env.MYSTIC_URL,
    viewport: { width: 1440, height: 900 },
  })
  const page = await context.newPage()
  await page.addInitScript(() => {
    window.interactions = new Map()
    const note = ({ interactionId: id, duration, name }) => {
      if (id > 0 && duration > (window.interactions.get(id)?.duration ?? 0)) {
        window.interactions.set(id, { duration, name })
      }
    }
    // The least that browsers tell of; what is shorter was no trouble.
    const noticed = { type: 'event', buffered: true, durationThreshold: 16 }
    new PerformanceObserver((list) => list.getEntries().forEach(note)).observe(noticed)
  })
  await page.goto(path)
  await page.getByText('Live', { exact: true }).waitFor()
  return { page, close: () => context.close() }
}

/** Milliseconds until the first of a page's own content, the median of some rounds. */
async function firstPaint(browser, path) {
  const times = []
  for (let round = 0; round < rounds; round += 1) {
    const { page, close } = await open(browser, path)
    times.push(await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0].startTime))
    await close()
  }
  return times.sort((one, other) => one - other)[(rounds - 1) / 2]
}

/** The milliseconds of a page's interactions; those that the browser did not tell of took less than 16. */
async function interactions(page) {
  await page.waitForTimeout(500)
  return page.evaluate(() => [...window.interactions.values()])
}

/** Scrolls through a list; the most of it that was mounted at a time, and that was seen. */
async function scroll(page, rows, screens) {
  let [mounted, seen] = [0, 0]
  for (let screen = 0; screen < screens; screen += 1) {
    await page.mouse.wheel(0, 900)
    await page.waitForTimeout(150)
    const inView = await rows.evaluateAll((all) =>
      all.map((one) => {
        const { top, bottom } = one.getBoundingClientRect()
        return bottom > 0 && top < window.innerHeight
      }),
    )
    mounted = Math.max(mounted, inView.length)
    seen = Math.max(seen, inView.filter(Boolean).length)
  }
  return { mounted, seen }
}

/** What a user does with a large gallery, and how much of it was mounted meanwhile. */
async function useGallery(browser) {
  const { page, close } = await open(browser, '/gallery')
  const tiles = page.locator('[data-image]')
  await tiles.first().waitFor()
  const search = page.getByRole('searchbox', { name: 'Search' })
  await search.click()
  await page.keyboard.type('bamiro', { delay: 60 })
  await page.waitForTimeout(1000)
  await search.fill('')
  await tiles.first().waitFor()
  const facets = page.getByRole('complementary', { name: 'Filters' })
  for (const facet of [/^Only favourites/, /^Only favourites/, /^tag 1 /, /^tag 2 /]) {
    await facets.getByRole('button', { name: facet }).click()
    await page.waitForTimeout(600)
  }
  await page.goto('/gallery')
  await tiles.first().waitFor()
  const list = await scroll(page, tiles, 30)
  await tiles.nth(20).getByRole('checkbox').click()
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('f')
  await page.keyboard.press('4')
  await tiles.nth(12).getByRole('checkbox').click()
  await page.keyboard.press('Escape')
  const times = await interactions(page)
  await close()
  return { times, ...list }
}

/** What a user does with a long queue, and how much of it was mounted meanwhile. */
async function useQueue(browser) {
  const { page, close } = await open(browser, '/queue')
  const rows = page.locator('li[data-job]')
  await rows.first().waitFor()
  await page
    .getByRole('button', { name: /^Move later/ })
    .first()
    .click()
  await page.waitForTimeout(700)
  const list = await scroll(page, rows, 6)
  await page
    .locator('li[aria-posinset="40"]')
    .getByRole('button', { name: /^Move earlier/ })
    .click()
  await page.waitForTimeout(700)
  for (const state of ['queued', 'failed', 'queued', 'failed']) {
    await page.locator(`button[data-state="${state}"]`).click()
    await page.waitForTimeout(700)
  }
  const times = await interactions(page)
  await close()
  return { times, ...list }
}

const at = (times, share) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
})
try {
  const figures = {}
  for (const [name, path] of Object.entries(pages)) {
    figures[`${name}_first_paint_ms`] = Math.round(await firstPaint(browser, path))
  }
  const gallery = await useGallery(browser)
  const queue = await useQueue(browser)
  for (const { duration, name } of [...gallery.times, ...queue.times]) {
    console.log(`${name}: ${duration} ms`)
  }
  const times = [...gallery.times, ...queue.times]
    .map(({ duration }) => duration)
    .sort((one, other) => one - other)
  console.log(
    JSON.stringify({
      ...figures,
      interactions: times.length,
      interaction_p50_ms: at(times, 0.5),
      interaction_worst_ms: times.at(-1) ?? 0,
      tiles_seen: gallery.seen,
      tiles_mounted: gallery.mounted,
      waiting_seen: queue.seen,
      waiting_mounted: queue.mounted,
    }),
  )
} finally {
  await browser.close()
}

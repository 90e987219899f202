import { defineConfig } from '@playwright/test'

const baseURL = process.env.MYSTIC_URL
if (!baseURL) {
  throw new Error('MYSTIC_URL names no running stack; start one with `mystic up` and give its URL')
}

export default defineConfig({
  testDir: 'e2e',
  outputDir: 'test-results',
  // One stack, one queue: the tests take turns.
  workers: 1,
  retries: 0,
  forbidOnly: true,
  timeout: 120_000,
  expect: { timeout: 60_000 },
  reporter: [['list']],
  use: {
    baseURL,
    headless: true,
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
})

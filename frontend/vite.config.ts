import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vitest/config'

const api = process.env.MYSTIC_URL ?? 'http://127.0.0.1:8787'

export default defineConfig({
  plugins: [vue()],
  server: { host: '127.0.0.1', proxy: { '/api': api } },
  build: {
    target: 'es2023',
    // The content security policy has no `data:`, so nothing may be inlined.
    assetsInlineLimit: 0,
  },
  test: { include: ['tests/**/*.test.ts'], environment: 'node' },
})

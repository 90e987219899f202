import { QueryClient, VueQueryPlugin } from '@tanstack/vue-query'
import { createPinia } from 'pinia'
import { createApp } from 'vue'
import { ApiError } from '../api/client'
import App from './App.vue'
import { router } from './router'
import './tokens.css'
import './base.css'

const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      // A server on this machine is there without a network too.
      networkMode: 'always',
      refetchOnWindowFocus: false,
      // A lost connection comes back without a reload; an answer that says no stays no.
      retry: (_, error) => !(error instanceof ApiError && error.status < 500),
      retryDelay: (attempt) => Math.min(5_000, 500 * 2 ** attempt),
    },
    mutations: { networkMode: 'always' },
  },
})

createApp(App).use(createPinia()).use(VueQueryPlugin, { queryClient }).use(router).mount('#app')

/// <reference types="vite/client" />

// For the linter, which can't look into single-file components; vue-tsc can and ignores this.
declare module '*.vue' {
  import type { Component } from 'vue'
  const component: Component
  export default component
}

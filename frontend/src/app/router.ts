import { createRouter, createWebHistory } from 'vue-router'
import HomePage from './HomePage.vue'

export const router = createRouter({
  history: createWebHistory(),
  routes: [
    { path: '/', name: 'home', component: HomePage, meta: { title: 'Overview' } },
    {
      path: '/create',
      name: 'create',
      component: () => import('../jobs/CreatePage.vue'),
      meta: { title: 'Create' },
    },
    {
      path: '/queue',
      name: 'queue',
      component: () => import('../jobs/QueuePage.vue'),
      meta: { title: 'Queue' },
    },
    {
      path: '/jobs/:id',
      name: 'job',
      component: () => import('../jobs/JobPage.vue'),
      props: true,
      meta: { title: 'Job' },
    },
    {
      path: '/gallery',
      name: 'gallery',
      component: () => import('../images/GalleryPage.vue'),
      meta: { title: 'Gallery' },
    },
    {
      path: '/gallery/compare',
      name: 'compare',
      component: () => import('../images/ComparePage.vue'),
      meta: { title: 'Compare' },
    },
    {
      path: '/devices',
      name: 'devices',
      component: () => import('../devices/DevicesPage.vue'),
      meta: { title: 'Devices' },
    },
    {
      path: '/models',
      name: 'models',
      component: () => import('../models/ModelsPage.vue'),
      meta: { title: 'Presets and models' },
    },
    {
      path: '/failures',
      name: 'failures',
      component: () => import('../jobs/FailuresPage.vue'),
      meta: { title: 'Failures' },
    },
    {
      path: '/settings',
      name: 'settings',
      component: () => import('../settings/SettingsPage.vue'),
      meta: { title: 'Settings' },
    },
    {
      path: '/:missing(.*)*',
      name: 'missing',
      component: () => import('./MissingPage.vue'),
      meta: { title: 'Not found' },
    },
  ],
  // Only a change of page goes to its top: a filter or an opened picture leaves the place.
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- its successor is experimental
  scrollBehavior: (to, from, saved) => saved ?? (to.path === from.path ? false : { top: 0 }),
})

router.afterEach((to) => {
  document.title = to.name === 'home' ? 'MystiCanvas' : `${to.meta.title} · MystiCanvas`
})

/**
 * A page that the server has no more: it was updated since this tab was opened, and its files have other names. What is
 * asked for is loaded as a whole then, unless the server is away or the tab has only just been loaded.
 */
router.onError(async (_, to, from) => {
  if (from.matched.length === 0) {
    return
  }
  const there = await fetch(to.fullPath, { method: 'HEAD', cache: 'no-store' }).then(
    ({ ok }) => ok,
    () => false,
  )
  if (there) {
    window.location.assign(to.fullPath)
  }
})

declare module 'vue-router' {
  interface RouteMeta {
    title: string
  }
}

import { computed, type Ref, shallowRef, watch } from 'vue'
import { useRoute } from 'vue-router'
import type { Picture } from '../api/types'
import { type PictureFilter, pictureFilterOf } from './filters'
import { beside } from './grid'
import { pageSize, usePictures } from './queries'

/** What comes before and behind the open picture, in the list that the page shows. */
export function useNeighbours(open: Ref<string | undefined>) {
  const route = useRoute()
  const filter = computed<PictureFilter>(() => {
    switch (route.name) {
      case 'gallery':
        return pictureFilterOf(route.query)
      case 'job':
        return { job: String(route.params.id) }
      default:
        return {}
    }
  })
  const pictures = usePictures(filter, pageSize, () => open.value !== undefined)
  const all = computed<readonly Picture[]>(
    () => pictures.data.value?.pages.flatMap(({ images }) => images) ?? [],
  )
  const ids = computed(() => all.value.map(({ id }) => id))
  const last = shallowRef(-1)
  watch(
    [ids, open],
    () => {
      const at = open.value === undefined ? -1 : ids.value.indexOf(open.value)
      last.value = open.value === undefined || at >= 0 ? at : last.value
      if (at >= ids.value.length - 3 && at >= 0 && pictures.hasNextPage.value && !pictures.isFetching.value) {
        void pictures.fetchNextPage()
      }
    },
    { immediate: true },
  )
  const places = computed(() => (open.value === undefined ? {} : beside(ids.value, open.value, last.value)))
  const at = (place: number | undefined) => (place === undefined ? undefined : all.value[place])
  return {
    /** The open one as the list has it. */
    listed: computed(() => all.value.find(({ id }) => id === open.value)),
    previous: computed(() => at(places.value.before)),
    next: computed(() => at(places.value.behind)),
  }
}

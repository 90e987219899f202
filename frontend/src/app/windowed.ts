import {
  defaultRangeExtractor,
  type Range,
  useWindowVirtualizer,
  type VirtualItem,
} from '@tanstack/vue-virtual'
import {
  type ComponentPublicInstance,
  computed,
  type CSSProperties,
  onMounted,
  onScopeDispose,
  ref,
} from 'vue'

/** The rows of a list, one below the other; lengths are pixels. */
export interface Rows<T> {
  items: readonly T[]
  /** The height of a row that was not mounted yet. */
  estimate: number
  gap: number
  /** Rows that are mounted above and below those that are seen. */
  overscan: number
  /** What a row is known by wherever it stands; its place where nothing is said. */
  key?: (item: T) => string
  /** The key of a row that stays mounted wherever the window is: it is dragged or has the focus. */
  kept?: string | undefined
}

/**
 * Of a list that may be long, mounts the rows near the window. The list at `place` gets the style `whole`, each row of
 * `shown` the style that `at` gives it, its index as `data-index`, and `measure` as its ref.
 */
export function useWindowedRows<T>(place: () => HTMLElement | null, rows: (width: number) => Rows<T>) {
  const width = ref(0)
  const above = ref(0)
  const measured = new ResizeObserver(() => {
    width.value = place()?.clientWidth ?? 0
    above.value = (place()?.getBoundingClientRect().top ?? 0) + window.scrollY
  })
  onMounted(() => {
    const list = place()
    if (list) {
      measured.observe(list)
      // What stands above may grow without the list's own size changing.
      measured.observe(document.body)
    }
  })
  onScopeDispose(() => {
    measured.disconnect()
  })

  const list = computed(() => rows(width.value))
  const virtual = useWindowVirtualizer(
    computed(() => {
      const { items, estimate, gap, overscan, key, kept } = list.value
      const keyOf = (index: number) => {
        const item = items[index]
        return item === undefined || key === undefined ? index : key(item)
      }
      return {
        count: width.value === 0 ? 0 : items.length,
        estimateSize: () => estimate,
        gap,
        overscan,
        scrollMargin: above.value,
        getItemKey: keyOf,
        rangeExtractor: (range: Range) => {
          const near = defaultRangeExtractor(range)
          const also = kept === undefined ? -1 : items.findIndex((_, index) => keyOf(index) === kept)
          return also < 0 || near.includes(also) ? near : [...near, also].sort((one, other) => one - other)
        },
      }
    }),
  )

  return {
    width,
    shown: computed(() =>
      virtual.value.getVirtualItems().flatMap((row) => {
        const item = list.value.items[row.index]
        return item === undefined ? [] : [{ row, item }]
      }),
    ),
    whole: computed<CSSProperties>(() => ({
      position: 'relative',
      height: `${virtual.value.getTotalSize()}px`,
    })),
    /** Where a row stands, moved down by so much. */
    at: (row: VirtualItem, down = 0): CSSProperties => ({
      position: 'absolute',
      top: 0,
      left: 0,
      width: '100%',
      transform: `translateY(${row.start - above.value + down}px)`,
    }),
    measure: (row: Element | ComponentPublicInstance | null) => {
      const element: unknown = row instanceof Element ? row : row?.$el
      if (element instanceof Element) {
        virtual.value.measureElement(element)
      }
    },
    scrollTo: (index: number) => {
      virtual.value.scrollToIndex(index)
    },
  }
}

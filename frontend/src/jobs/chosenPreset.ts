import { computed, watch } from 'vue'
import { useDraft } from './draft'
import { presetProblem } from './presets'
import { usePresets } from './queries'

/** The presets that draw, and the draft's; where the draft names none that is there, the first that can run. */
export function useChosenPreset() {
  const query = usePresets()
  const draft = useDraft()
  const drawing = computed(
    () => query.data.value?.flatMap((preset) => (preset.engine === 'sd' ? [preset] : [])) ?? [],
  )
  const chosen = computed(() => drawing.value.find(({ name }) => name === draft.draft.preset))
  watch(
    drawing,
    (all) => {
      // Until they are known, what a reload has kept may be one of them.
      if (query.data.value && !chosen.value) {
        draft.draft.preset = (all.find(({ workers }) => !presetProblem(workers)) ?? all[0])?.name ?? ''
      }
    },
    { immediate: true },
  )
  return { query, drawing, chosen }
}

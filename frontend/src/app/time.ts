import { onScopeDispose, type Ref, ref } from 'vue'

/** The time, told again every second; one clock for each scope that asks. */
export function useNow(): Ref<number> {
  const now = ref(Date.now())
  const timer = setInterval(() => {
    now.value = Date.now()
  }, 1_000)
  onScopeDispose(() => {
    clearInterval(timer)
  })
  return now
}

/** Milliseconds for people, in the two units that matter: "850 ms", "4.2 s", "3 min 20 s", "2 h 5 min". */
export function durationInWords(ms: number): string {
  const whole = Math.max(0, Math.round(ms))
  if (whole < 1_000) {
    return `${whole} ms`
  }
  if (whole < 9_950) {
    return `${(whole / 1_000).toFixed(1)} s`
  }
  const seconds = Math.round(whole / 1_000)
  const two = (big: number, bigName: string, small: number, smallName: string) =>
    small === 0 ? `${big} ${bigName}` : `${big} ${bigName} ${small} ${smallName}`
  if (seconds < 60) {
    return `${seconds} s`
  }
  if (seconds < 3_600) {
    return two(Math.floor(seconds / 60), 'min', seconds % 60, 's')
  }
  const minutes = Math.round(seconds / 60)
  if (minutes < 1_440) {
    return two(Math.floor(minutes / 60), 'h', minutes % 60, 'min')
  }
  const hours = Math.round(minutes / 60)
  return two(Math.floor(hours / 24), 'd', hours % 24, 'h')
}

/** As `durationInWords`, in whole seconds: for what is told anew each second. */
export function countInWords(ms: number): string {
  const whole = Math.max(0, Math.round(ms / 1_000))
  return whole < 60 ? `${whole} s` : durationInWords(whole * 1_000)
}

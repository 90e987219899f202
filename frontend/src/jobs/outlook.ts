import type { Estimate } from '../api/types'
import { countInWords } from '../app/time'
import { mibInWords } from '../devices/memory'

/** What a plan gives up to fit, in a few words; nothing where it gives nothing up. */
export const planNames: Record<Estimate['plan'], string> = {
  full: '',
  vae_tiling: 'VAE tiled',
  text_encoder_on_cpu: 'VAE tiled, text encoder on the processor',
  vae_on_cpu: 'VAE and text encoder on the processor',
  streamed: 'streamed from system memory',
  kv_quantised: 'cache in 8 bits',
  half_offloaded: 'half of the layers on the processor',
}

/** "Runs on studio/cpu in about 12 s, for about 3 s; needs 5.1 GiB, VAE tiled." */
export function outlookInWords({ device, start_in_s, run_s, need, plan }: Estimate): string {
  const start = start_in_s < 1 ? 'at once' : `in about ${countInWords(start_in_s * 1_000)}`
  const run = `for about ${countInWords(Math.max(1, run_s) * 1_000)}`
  const cost = planNames[plan] === '' ? '' : `, ${planNames[plan]}`
  return `Runs on ${device} ${start}, ${run}; needs ${mibInWords(need)}${cost}.`
}

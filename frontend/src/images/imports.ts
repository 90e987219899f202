import { useMutation, useQueryClient } from '@tanstack/vue-query'
import { ref } from 'vue'
import { answered, api, failureInWords, slowly } from '../api/client'
import type { Picture } from '../api/types'
import type { Imported } from './imported'

async function importOne(file: File): Promise<{ picture: Picture; fresh: boolean }> {
  const sent = api.POST('/api/v1/images/import', {
    headers: { 'Content-Type': 'application/octet-stream' },
    // The document can't say more of a file than that it is bytes.
    body: file as unknown as number[],
    bodySerializer: () => file,
    fetch: slowly,
  })
  return { picture: await answered(sent), fresh: (await sent).response.status === 201 }
}

/** Takes in files one after the other, since each is decoded whole; one that is refused keeps no other from it. */
export function useImportPictures() {
  const queries = useQueryClient()
  /** Files that are done, of those of the call that runs. */
  const done = ref(0)
  const mutation = useMutation({
    mutationFn: async (files: readonly File[]): Promise<Imported> => {
      const came: Imported = { added: 0, known: 0, binned: 0, refused: [] }
      done.value = 0
      for (const file of files) {
        try {
          const { picture, fresh } = await importOne(file)
          came.added += fresh ? 1 : 0
          came.known += fresh ? 0 : 1
          came.binned += picture.binned_at ? 1 : 0
        } catch (error) {
          came.refused.push({ name: file.name, why: failureInWords(error) })
        }
        done.value += 1
      }
      return came
    },
    onSettled: () => queries.invalidateQueries({ queryKey: ['images'] }),
  })
  return { ...mutation, done }
}

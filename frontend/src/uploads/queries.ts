import { useMutation } from '@tanstack/vue-query'
import { answered, api } from '../api/client'
import type { Schemas } from '../api/types'

/** Sends a picture or a mask that jobs may start from; the server keeps it for a day, or for as long as such a job is there. */
export function useUpload(kind: Schemas['UploadKind']) {
  return useMutation({
    mutationFn: (file: Blob) =>
      answered(
        api.POST('/api/v1/uploads', {
          params: { query: { kind } },
          headers: { 'Content-Type': 'application/octet-stream' },
          // The document can't say more of a file than that it is bytes.
          body: file as unknown as number[],
          bodySerializer: () => file,
        }),
      ),
  })
}

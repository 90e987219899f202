// Generated from api/openapi.json by `npm run generate`.

export interface paths {
    "/api/v1/devices": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List devices
         * @description Every device with its ledger in MiB: what is booked by loaded models and by running jobs, and what others use.
         */
        get: operations["list_devices"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/estimates": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List what jobs were seen to take
         * @description Memory beside the model, by preset, size and plan: what the formula says, and what is booked instead since attempts
         *     were seen to take it. What is not here is booked by its formula.
         */
        get: operations["list_estimates"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/estimates/{preset}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Forget what a preset's jobs were seen to take
         * @description Their formulae count again until new attempts are learned from.
         */
        delete: operations["reset_estimates"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Follow everything
         * @description Server-sent events of all jobs from now on, or from after `Last-Event-ID`, without a gap and without a repetition.
         *     Frames named `job` hold an `EventRecord`. Two others have no id and come at most 20 times a second each: those named
         *     `progress` hold a list of `JobProgress`; those named `changed` a list of what people changed, such as `images`,
         *     `image_tags`, `jobs`, `pauses`, `presets` or `prompt_templates`, and an empty list where that may be anything. A silent
         *     stream sends a comment every 10 s.
         */
        get: operations["follow_all"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/images": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List pictures
         * @description Newest first, or as `sort` says. Pictures that are added meanwhile don't shift the pages. Those in the bin are only
         *     there with `bin=true`.
         */
        get: operations["list_images"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/images/bulk": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Change all pictures of a filter
         * @description Those that were there when the request came; one that is made meanwhile is left alone. Some hundred at a time, so that
         *     a request that is broken off has changed some; repeating it does the rest.
         */
        post: operations["change_images"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/images/facets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Count pictures by what they have
         * @description Tags, presets, ratings, favourites and sizes of the pictures of a filter, the most frequent first. Of the newest 1,000
         *     that match: where there are more, `capped` is true.
         */
        get: operations["count_images"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/images/import": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Import a picture
         * @description The body is the file: PNG, JPEG or WebP, of this server or of another tool. Its bytes are kept as they are. What it says of
         *     its making is read: our own JSON, or the `parameters` text in a PNG's chunks or in the user's comment of Exif. A file that
         *     is there already gives the picture that has it, as its own or as its thumbnail (200).
         */
        post: operations["import_image"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/images/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show a picture
         * @description With its tags and everything that made it: the same parameters make the same pixels.
         */
        get: operations["show_image"];
        put?: never;
        post?: never;
        /**
         * Put a picture into the bin, or delete it for good
         * @description In the bin it is in no list, search or count but the bin's own, and can be restored. `for_good` deletes what is in
         *     the bin: the row at once, its files when the store is next cleaned up, unless another picture has the same content.
         */
        delete: operations["delete_image"];
        options?: never;
        head?: never;
        /** Rate a picture, or make it a favourite */
        patch: operations["mark_image"];
        trace?: never;
    };
    "/api/v1/images/{id}/file": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get a picture's file
         * @description A PNG with the parameters that made it in its text chunks, or what was imported, as it came. Never changes: the `ETag` is the file's SHA-256. Ranges are served.
         */
        get: operations["get_image_file"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/images/{id}/lineage": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show what a picture was made from, and what from it */
        get: operations["show_lineage"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/images/{id}/receipt": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show all that a picture's pixels follow from
         * @description Two pictures with the same receipt have the same pixels. `POST /api/v1/images/{id}/verify` draws it again.
         */
        get: operations["show_receipt"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/images/{id}/restore": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Take a picture out of the bin
         * @description One that is not in the bin stays as it is.
         */
        post: operations["restore_image"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/images/{id}/settings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get the request that makes a picture again
         * @description The body of a `POST /api/v1/jobs` for this one picture: its own seed, every parameter, no default left to the preset.
         */
        get: operations["get_image_settings"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/images/{id}/similar": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show pictures that are like this one
         * @description By the prompts' trigrams and by shared tags, most alike first. Of the pictures whose prompts have many words in common,
         *     and of those that share a tag, the newest 200 each are compared.
         */
        get: operations["list_similar_images"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/images/{id}/tags/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Give a picture a tag
         * @description By hand, beside the tags that models give. It is stored in lower case, with single spaces and without punctuation at
         *     its ends. Giving it twice is giving it once.
         */
        put: operations["tag_image"];
        post?: never;
        /**
         * Take a tag off a picture
         * @description Whoever gave it; a model that tags the picture again may give it again. Taking it off twice is taking it off once.
         */
        delete: operations["untag_image"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/images/{id}/thumb": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get a picture's thumbnail
         * @description A PNG. Never changes: the `ETag` is the file's SHA-256. Ranges are served.
         */
        get: operations["get_image_thumb"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/images/{id}/verify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Draw a picture again, to compare the two
         * @description A job with the picture's own parameters and seed, that names it as its `parent_image`. What it draws goes to the bin at
         *     once and gets no tags; its receipt (`/api/v1/images/{id}/receipt`) beside the first one's says whether the pixels are the
         *     same, and what differs where they are not. `mystic verify` does all of it.
         */
        post: operations["verify_image"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List jobs
         * @description Newest first. Jobs that are added meanwhile don't shift the pages.
         */
        get: operations["list_jobs"];
        put?: never;
        /**
         * Accept a job
         * @description The job is stored before the answer is sent; a worker takes it up as soon as it has a turn.
         *     With an `Idempotency-Key` a repeated request returns the job that the first one made (200) instead of another.
         */
        post: operations["submit_job"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Cancel all jobs of a filter
         * @description The jobs that waited when the request came end at once, running ones within seconds; pictures that exist are kept.
         *     A job that is submitted meanwhile is left alone.
         */
        post: operations["cancel_jobs"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/delete": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Delete all ended jobs of a filter
         * @description As each would be deleted alone. What ends meanwhile may be left alone.
         */
        post: operations["delete_jobs"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Try all failed jobs of a filter again
         * @description As each would be tried again alone.
         */
        post: operations["retry_jobs"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show a job
         * @description With its attempts, pictures, live progress and, while it waits, its position and what is expected of it. With `wait` the answer is held back
         *     until the job has ended or the time is over.
         */
        get: operations["show_job"];
        put?: never;
        post?: never;
        /**
         * Delete a job that has ended
         * @description Its attempts and events go with it, and its idempotency key can be used anew. A job with pictures stays for as long
         *     as they do, in the bin too, since it tells how they were made.
         */
        delete: operations["delete_job"];
        options?: never;
        head?: never;
        /**
         * Change a waiting job's priority
         * @description Only while it waits: once it is granted, the order is no longer its concern.
         */
        patch: operations["change_job"];
        trace?: never;
    };
    "/api/v1/jobs/{id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Cancel a job
         * @description A waiting job ends at once, a running one within seconds; pictures that it has made are kept. Cancelling again, or
         *     a job that has ended, changes nothing.
         */
        post: operations["cancel_job"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{id}/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Follow a job
         * @description Server-sent events from the job's first one, or from after `Last-Event-ID`, which is the event's `number` here.
         *     Frames named `job` hold an `EventRecord`; frames named `progress` hold a list of `JobProgress` and no id. The stream
         *     goes on after the job's end (its pictures may still be tagged) until the client closes it.
         */
        get: operations["follow_job"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{id}/preview": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * See what a running job's picture is becoming
         * @description A small JPEG, made of the picture's latents about twice a second while it is sampled; `preview` of the job's progress
         *     counts them. There is none of a model whose latents the library can't show, while Redis is away, and where
         *     `worker.previews` is off.
         */
        get: operations["get_job_preview"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{id}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Try a failed job again
         * @description It is queued with as many attempts as it was allowed at first. Its pictures and the record of its attempts are
         *     kept; only what is missing is made.
         */
        post: operations["retry_job"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List API keys
         * @description Those that were revoked too. What is secret about a key is shown once, when it is made.
         */
        get: operations["list_keys"];
        put?: never;
        /**
         * Make an API key
         * @description Every key may do all that can be done here. A name whose key was revoked gets another, and its jobs are its own again.
         */
        post: operations["create_key"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/keys/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Revoke an API key
         * @description It lets nobody in any more, at once; the jobs and pictures of its name stay. A key can't revoke itself, so that nobody
         *     locks everybody out.
         */
        delete: operations["revoke_key"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/models": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List models
         * @description What lies in the models directory of the API's host, by the files' headers, what the catalogue there has, and what is
         *     just done with it.
         */
        get: operations["list_models"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/models/import": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Import a model
         * @description A file of the import directory (`models.import_dir`) is copied into the models directory and noted in its catalogue.
         *     Only what is listed there can be named. `GET /api/v1/models` says how far it is.
         */
        post: operations["import_model"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/models/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Delete a model
         * @description Its files go, unfinished ones too, but for those that another model of the catalogue has as well. One that was imported
         *     is in no catalogue from then on. It stays (409) while a preset that names one of its files has unfinished jobs, and while
         *     an engine holds it.
         */
        delete: operations["delete_model"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/models/{name}/pull": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Bring a model
         * @description Its files come into the models directory of the API's host from where the catalogue says, each verified by its checksum.
         *     `GET /api/v1/models` says how far it is. What breaks off is gone on with: by the next pull, or when the API is back.
         */
        post: operations["pull_model"];
        /**
         * Cancel what brings a model
         * @description A pull or an import. What a pull has brought is kept beside its place, and the next one goes on from there.
         */
        delete: operations["cancel_model_pull"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/models/{name}/verify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Verify a model
         * @description All of its files are read and compared with their checksums. `GET /api/v1/models` says how far it is; it has failed
         *     where a file is missing or another.
         */
        post: operations["verify_model"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/pauses": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List what is stopped
         * @description Oldest first.
         */
        get: operations["list_pauses"];
        put?: never;
        /**
         * Stop the queue, an owner, a preset or a device
         * @description Queued jobs that it covers wait with the reason `paused` until it is ended; what runs goes on, and jobs are accepted
         *     as before. A device with `release` gives back the memory of its idle models too. A repeat changes only `release`.
         */
        post: operations["pause"];
        /**
         * Let what was stopped go on
         * @description Another pause that covers the same jobs stays in force.
         */
        delete: operations["resume"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/presets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List presets
         * @description The models that a job can name, with their defaults and limits, and what each live worker says of them.
         */
        get: operations["list_presets"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/presets/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show a preset
         * @description Its files, flags, defaults and limits, what each live worker says of it, and what its jobs were seen to take.
         */
        get: operations["show_preset"];
        /**
         * Create or replace a preset
         * @description Workers look at its files and offer it without a restart. Other files or flags take a load: a model that is loaded as
         *     the preset was before finishes its job and is unloaded. Limits and defaults hold for the next request. The files'
         *     headers are checked where the API's host has them; `unchecked` says where it has not. What is put here is not
         *     overwritten by the models directory's catalogue.
         */
        put: operations["put_preset"];
        post?: never;
        /**
         * Delete a preset
         * @description It is retired: hidden, refused to new jobs and unloaded. Jobs and pictures that were made with it keep naming it, and
         *     a preset of the same name may be put again. While unfinished jobs name it, it stays (409).
         */
        delete: operations["delete_preset"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/prompt-templates": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List prompt templates
         * @description Words to put around a prompt, which people call styles: their names go into `params.styles` of a job.
         */
        get: operations["list_prompt_templates"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/prompt-templates/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Make or change a prompt template
         * @description Its uses stay counted. Jobs that were submitted with it keep their words.
         */
        put: operations["put_prompt_template"];
        post?: never;
        /**
         * Forget a prompt template
         * @description Jobs that were submitted with it keep their words.
         */
        delete: operations["delete_prompt_template"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/queue": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show the queue
         * @description Jobs by state, those under way with their progress, and the first 100 of those that wait, in the order in which
         *     they will run, with what is expected of them; that may be a second old.
         */
        get: operations["show_queue"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/queue/activity": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Count what ended lately
         * @description Jobs that succeeded and failed, and how long they had waited, in at most 60 columns of whole minutes, by preset, device,
         *     worker or owner. Columns in which nothing ended are left out.
         */
        get: operations["show_activity"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/residents/{id}/unload": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Unload a model
         * @description Its memory is free when its engine has ended, which `/api/v1/devices` shows; a job that wants it loads it again. A model
         *     that a job has, or that still loads, stays.
         */
        post: operations["unload_model"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/settings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show what you want unless a request says otherwise
         * @description Of the owner whose key comes with the request, or of `local`.
         */
        get: operations["show_settings"];
        /**
         * Say what you want unless a request says otherwise
         * @description For the owner whose key comes with the request, or for `local`. Jobs that are there already stay as they are.
         */
        put: operations["change_settings"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tag-aliases": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List tag aliases */
        get: operations["list_tag_aliases"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tag-aliases/{alias}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Have a tag written as another
         * @description Tags that models find from now on are written so; those that pictures have stay. A tag that something is written as
         *     is no alias itself.
         */
        put: operations["put_tag_alias"];
        post?: never;
        /**
         * Forget a tag alias
         * @description Tags that were written so stay.
         */
        delete: operations["delete_tag_alias"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/uploads": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Upload a picture or a mask
         * @description The body is the file: PNG, JPEG or WebP. It is decoded, turned upright, put on white where it is transparent, and kept
         *     as a PNG for a day, or for as long as a job that starts from it is there.
         */
        post: operations["add_upload"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/wildcards": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List wildcards
         * @description `__name__` in a prompt stands for a line of the wildcard's file, chosen by the job's seed when it is submitted.
         */
        get: operations["list_wildcards"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/workers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List workers */
        get: operations["list_workers"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/workers/{id}/drain": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Drain a worker
         * @description It gets no more work, finishes what it runs and ends. Draining again, or a worker that has ended, changes nothing.
         */
        post: operations["drain_worker"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/workers/{id}/forget": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Forget a worker that never returns
         * @description Frees the memory that a silent worker had booked. Only for a host that is gone for good: memory is otherwise freed
         *     when the worker's successor on that host has proven it dead.
         */
        post: operations["forget_worker"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description Jobs that ended lately, counted; those that were cancelled are left out. */
        Activity: {
            /**
             * Format: int64
             * @description Seconds that a column stands for.
             */
            column_s: number;
            /**
             * Format: int32
             * @description Columns, the last of which is not over.
             */
            columns: number;
            /**
             * Format: date-time
             * @description Where the first column begins.
             */
            from: string;
            /** @description By name, the busiest first. */
            groups: components["schemas"]["ActivityGroup"][];
        };
        /** @description What ended in one column. */
        ActivityColumn: components["schemas"]["ActivityCount"] & {
            /**
             * Format: int32
             * @description Its place, from 0.
             */
            column: number;
        };
        /** @description How many jobs ended, and how long they had waited. */
        ActivityCount: {
            /**
             * Format: int64
             * @description Jobs that failed.
             */
            failed: number;
            /**
             * Format: int64
             * @description Jobs that succeeded.
             */
            succeeded: number;
            /**
             * Format: double
             * @description Median of the waits from the submit to the first start, milliseconds; null where none ever started.
             */
            wait_p50_ms?: number | null;
            /**
             * Format: double
             * @description 95th percentile of the same.
             */
            wait_p95_ms?: number | null;
        };
        /** @description What ended lately of one name. */
        ActivityGroup: {
            /** @description Columns in which something ended. */
            columns: components["schemas"]["ActivityColumn"][];
            /** @description A preset, an owner, a device, or a worker's id; null for jobs that never ran. */
            name?: string | null;
            /** @description All columns together. */
            total: components["schemas"]["ActivityCount"];
        };
        /** @description A tag that is written as another. */
        AliasRecord: {
            /** @description As models and people say. */
            alias: string;
            /**
             * Format: date-time
             * @description Since when.
             */
            created_at: string;
            /** @description As it is written. */
            tag: string;
        };
        /** @description A prompt before its choices were made and its styles put around it. */
        AskedPrompt: {
            /** @description What to avoid. */
            negative_prompt: string;
            /** @description What to draw. */
            prompt: string;
            /** @description Names of the styles, in the order in which they are put around it. */
            styles?: string[];
        };
        /** @description One attempt of a job. */
        AttemptRecord: {
            /**
             * Format: int32
             * @description From 1.
             */
            attempt: number;
            /** @description The device. */
            device: components["schemas"]["DeviceId"];
            error?: components["schemas"]["Failure"] | null;
            /**
             * Format: date-time
             * @description When it ended.
             */
            finished_at?: string | null;
            /** @description `succeeded`, `failed`, `retried`, `cancelled` or `lost`. */
            outcome?: string | null;
            /**
             * Format: int64
             * @description The most that its engine child held of the device since the model was loaded, in MiB.
             */
            peak_mib?: number | null;
            /** @description The plan. */
            plan: components["schemas"]["Plan"];
            /**
             * Format: int64
             * @description MiB that were booked for its model.
             */
            resident_mib?: number | null;
            /**
             * Format: date-time
             * @description When it was claimed.
             */
            started_at: string;
            times?: components["schemas"]["PhaseTimes"] | null;
            /** @description The worker. */
            worker: components["schemas"]["WorkerId"];
            /**
             * Format: int64
             * @description MiB that were booked for its own work on top.
             */
            working_mib?: number | null;
        };
        /** @description What to do with each picture of a filter. Unknown fields are refused. */
        BulkAction: {
            /** @enum {string} */
            action: "mark";
            /** @description Whether it is a favourite. */
            favourite?: boolean | null;
            /**
             * Format: int32
             * @description 1 to 5; 0 takes the rating back.
             */
            rating?: number | null;
        } | {
            /** @enum {string} */
            action: "tag";
            /** @description The tags, at most 20. */
            tags: string[];
        } | {
            /** @enum {string} */
            action: "untag";
            /** @description The tags, at most 20. */
            tags: string[];
        } | {
            /** @enum {string} */
            action: "retag";
            /** @description The language model; the server's tagging preset where absent. */
            preset?: string | null;
        } | {
            /** @enum {string} */
            action: "bin";
        } | {
            /** @enum {string} */
            action: "restore";
        } | {
            /** @enum {string} */
            action: "delete";
        };
        /** @description What a change of many pictures did. */
        BulkChanged: {
            /** @description Those that were changed. The others can't have more tags, or jobs are still at work with them. */
            changed: number;
            /** @description Pictures of the filter. */
            matched: number;
        };
        /** @description What a cancel of many jobs did. */
        CancelledJobs: {
            /**
             * Format: int64
             * @description Jobs that ended at once.
             */
            cancelled: number;
            /**
             * Format: int64
             * @description Running jobs that end as soon as their workers have stopped them.
             */
            requested: number;
        };
        /** @description A file of a model of the catalogue. */
        CatalogueFile: {
            /** @description Its path below the models directory. */
            path: string;
            /** @description By its size alone: checksums are for `POST /api/v1/models/{name}/verify`. */
            state: components["schemas"]["FileState"];
        };
        /** @description A model of the catalogue. */
        CatalogueModel: {
            /** @description Its family. */
            architecture: string;
            /** @description How each of its files is. */
            files: components["schemas"]["CatalogueFile"][];
            /** @description SPDX name of its licence. */
            licence: string;
            /** @description Its name. */
            name: string;
            operation?: components["schemas"]["ModelOperation"] | null;
            /**
             * Format: int64
             * @description Its size in bytes.
             */
            size: number;
        };
        /** @description What to change of a job. Unknown fields are refused. */
        ChangeJob: {
            /**
             * Format: int32
             * @description −100 to 100; higher runs first.
             */
            priority: number;
        };
        /** @description What you want unless a request says otherwise. Unknown fields are refused. */
        ChangeSettings: {
            /** @description Whether pictures are tagged; null: as the server is configured. */
            auto_tag?: boolean | null;
        };
        /**
         * @description Settings that can't change without loading the model again; each is what the plan of its name needs.
         * @enum {string}
         */
        ContextPlan: "default" | "text_encoder_on_cpu" | "vae_on_cpu" | "streamed" | "kv_quantised" | "half_offloaded";
        /** @description Whose key it is to be. Unknown fields are refused. */
        CreateKey: {
            /**
             * @description 1 to 64 letters, digits, `.`, `_`, `@` or `-`, beginning with a letter or digit, and not `local`. Jobs made with the key
             *     belong to this name.
             * @example anna
             */
            name: string;
        };
        /** @description What a deletion of many jobs did. */
        DeletedJobs: {
            /**
             * Format: int64
             * @description Jobs that are gone.
             */
            deleted: number;
            /**
             * Format: int64
             * @description Jobs that stay: they have pictures, or an engine of theirs is not known to have ended.
             */
            kept: number;
        };
        /** @description A device: an NVML UUID (`GPU-…`) or `<host>/cpu`. */
        DeviceId: string;
        /** @description A device and what it is. */
        DeviceModel: {
            /** @description Its id. */
            id: components["schemas"]["DeviceId"];
            /** @description `cuda` or `cpu`. */
            kind: string;
            /** @description Its name, for people. */
            name: string;
        };
        /** @description A device and what is booked on it. Memory in MiB. */
        DeviceRecord: {
            /** @description What may be booked. */
            capacity: components["schemas"]["Mib"];
            /** @description The machine. */
            host: string;
            /** @description NVML UUID or `<host>/cpu`. */
            id: components["schemas"]["DeviceId"];
            /**
             * Format: date-time
             * @description Since when a turn was free without a break; absent while none is.
             */
            idle_since?: string | null;
            /** @description `cuda` or `cpu`. */
            kind: string;
            /** @description Jobs on it. */
            leases: components["schemas"]["LeaseRecord"][];
            /**
             * Format: date-time
             * @description Since when the device can't be used: it is lost, has to be reset or does not answer.
             */
            lost_at?: string | null;
            /** @description For people. */
            name: string;
            /** @description In use by strangers. */
            others: components["schemas"]["Mib"];
            /** @description Whether `others` was reckoned from bookings. */
            others_estimated: boolean;
            /** @description Whether an operator has stopped it. */
            paused: boolean;
            /**
             * Format: int32
             * @description Watts that it draws.
             */
            power?: number | null;
            /** @description Booked by loaded models. */
            resident: components["schemas"]["Mib"];
            /** @description Models on it. */
            residents: components["schemas"]["ResidentRecord"][];
            /**
             * Format: int32
             * @description °C.
             */
            temperature?: number | null;
            /** @description All of its memory. */
            total: components["schemas"]["Mib"];
            /**
             * Format: int32
             * @description Diffusion jobs that may run at a time.
             */
            turns: number;
            /**
             * Format: int32
             * @description Diffusion jobs that have a lease.
             */
            turns_taken: number;
            used?: components["schemas"]["Mib"] | null;
            /**
             * Format: int32
             * @description Per cent.
             */
            utilisation?: number | null;
            /** @description Booked by jobs that run. */
            working: components["schemas"]["Mib"];
        };
        /** @description What would come of a job. */
        DryRun: {
            outlook?: components["schemas"]["Outlook"] | null;
            /** @description Its parameters, every default filled in. */
            params: components["schemas"]["JobParams"];
        };
        /**
         * @description The native engine that a job needs.
         * @enum {string}
         */
        EngineKind: "sd" | "llm";
        /**
         * @description The kind of [`SubmitEnhance`].
         * @enum {string}
         */
        EnhanceKind: "enhance";
        /** @description What an `enhance` job writes out: with the same plan the same values give the same words. */
        EnhanceParams: {
            /** @description The prompt as somebody wrote it. */
            prompt: string;
            /**
             * Format: int64
             * @description Another seed gives other words.
             */
            seed: number;
        };
        /** @description What to write out. */
        EnhanceRequest: {
            /**
             * @description The prompt; it stays as it is in the job's `params`, and what comes of it is the job's `result`.
             * @example a rabbit
             */
            prompt: string;
            /**
             * Format: int64
             * @description Another seed gives other words; random where absent.
             */
            seed?: number | null;
        };
        /** @description What an `enhance` job has written. */
        Enhanced: {
            /** @description The prompt, written out. */
            prompt: string;
        };
        /** @description Where, how and when a job is expected to run. */
        Estimate: {
            /** @description The device. */
            device: components["schemas"]["DeviceId"];
            /** @description MiB of model and job together. */
            need: components["schemas"]["Mib"];
            /** @description The plan. */
            plan: components["schemas"]["Plan"];
            /**
             * Format: double
             * @description Seconds from its start to its end, the model's load included.
             */
            run_s: number;
            /**
             * Format: double
             * @description Seconds from now to its start.
             */
            start_in_s: number;
        };
        /** @description What jobs of one preset, size and plan were seen to take beside their model. */
        EstimateRecord: {
            /** @description MiB by the formula, for the newest of the attempts. */
            formula_mib: components["schemas"]["Mib"];
            /** @description MiB that are booked for such a job instead. */
            learned_mib: components["schemas"]["Mib"];
            /**
             * Format: int64
             * @description Pixels of the smallest picture that is too large; null for text.
             */
            pixels_below?: number | null;
            /**
             * Format: int64
             * @description Pixels of the smallest picture that is meant; null for text.
             */
            pixels_from?: number | null;
            /** @description The plan. */
            plan: components["schemas"]["Plan"];
            /** @description The preset. */
            preset: string;
            /**
             * Format: date-time
             * @description When such a job last ran out of memory.
             */
            raised_at?: string | null;
            /**
             * Format: int32
             * @description Attempts that were learned from.
             */
            samples: number;
            /**
             * Format: date-time
             * @description When it was last learned from.
             */
            updated_at: string;
        };
        /** @description One event of a job. */
        EventRecord: {
            /**
             * Format: date-time
             * @description When its transaction began.
             */
            at: string;
            /** @description More about it. */
            data: unknown;
            /** @description The job. */
            job: components["schemas"]["JobId"];
            /**
             * @description What happened: `queued`, `leased`, `running`, `expired`, `retried`, `cancel_requested`, `image`, `tagged`,
             *     `succeeded`, `failed`, `cancelled`.
             */
            kind: string;
            /**
             * Format: int32
             * @description Number inside the job, from 1, without gaps.
             */
            number: number;
        };
        /** @description What the newest pictures of a filter have in common, the most frequent first. */
        Facets: {
            /** @description Whether only the newest were counted, since there may be more. */
            capped: boolean;
            /**
             * Format: int64
             * @description Pictures that were counted.
             */
            counted: number;
            /**
             * Format: int64
             * @description Favourites.
             */
            favourites: number;
            /** @description Presets. */
            presets: components["schemas"]["ValueCount"][];
            /** @description Ratings, from 0 for those that have none. */
            ratings: components["schemas"]["ValueCount"][];
            /** @description Sizes. */
            sizes: components["schemas"]["SizeCount"][];
            /** @description Tags, at most 100. */
            tags: components["schemas"]["ValueCount"][];
        };
        /** @description A failure as users see it. */
        Failure: {
            /** @description The type. */
            kind: components["schemas"]["FailureKind"];
            /** @description One sentence for a person. */
            message: string;
            /**
             * Format: int32
             * @description The signal that ended the engine child.
             */
            signal?: number | null;
            /** @description The engine child's last lines on stderr. */
            stderr_tail?: string[];
        };
        /**
         * @description What went wrong.
         * @enum {string}
         */
        FailureKind: "invalid_input" | "model_missing" | "model_corrupt" | "out_of_memory" | "engine_crashed" | "engine_hung" | "device_lost" | "disk_full" | "timeout" | "worker_lost" | "internal";
        /**
         * Format: int64
         * @description How often a job was granted. Every write of a worker carries it; a write under an older one changes nothing.
         */
        Fence: number;
        /**
         * @description How a file is.
         * @enum {string}
         */
        FileState: "here" | "missing" | "corrupt";
        /** @description A model file. */
        FoundFile: {
            /** @description The family of its diffusion network, or of its language model, where it has one that is known. */
            architecture?: string | null;
            /** @description What it is for, guessed from its header. */
            kind?: string | null;
            /** @description The model of the catalogue that it belongs to. */
            model?: string | null;
            /** @description Its path below the models directory. */
            path: string;
            /** @description The presets that name it. */
            presets: string[];
            /** @description Why it can't be used; absent where its header is whole. */
            problem?: string | null;
            /**
             * Format: int64
             * @description Its size in bytes.
             */
            size: number;
        };
        /**
         * @description The kind of [`SubmitGenerate`].
         * @enum {string}
         */
        GenerateKind: "generate";
        /** @description What a `generate` job makes, every default filled in: the same values make the same picture. */
        GenerateParams: {
            asked?: components["schemas"]["AskedPrompt"] | null;
            /**
             * Format: int32
             * @description Pictures to make.
             */
            batch: number;
            /**
             * Format: float
             * @description Guidance scale.
             */
            cfg: number;
            /**
             * Format: int32
             * @description Pixels.
             */
            height: number;
            hires?: components["schemas"]["Hires"] | null;
            init?: components["schemas"]["Source"] | null;
            /** @description Small networks on top of the model. */
            loras?: components["schemas"]["LoraUse"][];
            mask?: components["schemas"]["Source"] | null;
            /** @description What to avoid. */
            negative_prompt: string;
            /** @description What to draw. */
            prompt: string;
            /** @description Sampler by the library's name; the model's own where absent. */
            sampler?: string | null;
            /** @description Noise schedule by the library's name; the model's own where absent. */
            scheduler?: string | null;
            /**
             * Format: int64
             * @description Seed of the first picture; the picture at index i has seed + i.
             */
            seed: number;
            /**
             * Format: int32
             * @description Diffusion steps.
             */
            steps: number;
            /**
             * Format: float
             * @description How much of the start is painted over, 0 to 1; there with `init` alone.
             */
            strength?: number | null;
            /** @description Ask for tags of each picture, by this preset. */
            tag_preset?: string | null;
            /**
             * Format: int32
             * @description Pixels.
             */
            width: number;
        };
        /** @description What to make; everything but the prompt has the preset's default. */
        GenerateRequest: {
            /**
             * Format: int32
             * @description Pictures to make; 1 where absent.
             */
            batch?: number | null;
            /**
             * Format: float
             * @description Guidance scale.
             */
            cfg?: number | null;
            /**
             * Format: int32
             * @description Pixels.
             */
            height?: number | null;
            hires?: components["schemas"]["HiresRequest"] | null;
            init?: components["schemas"]["PictureRef"] | null;
            /** @description LoRAs of the preset, by name. */
            loras?: components["schemas"]["LoraUse"][];
            mask?: components["schemas"]["MaskRef"] | null;
            /** @description What to avoid. */
            negative_prompt?: string | null;
            /**
             * @description What to draw. `{a|b}` and `__wildcard__` are choices, made by the seed.
             * @example a red circle on a blue background
             */
            prompt: string;
            /** @description Sampler. */
            sampler?: string | null;
            /** @description Noise schedule. */
            scheduler?: string | null;
            /**
             * Format: int64
             * @description Seed of the first picture, the next ones count up; random where absent.
             */
            seed?: number | null;
            /**
             * Format: int32
             * @description Diffusion steps.
             */
            steps?: number | null;
            /**
             * Format: float
             * @description How much of the start is painted over, 0 to 1; 0.75 where absent. Only with `init`.
             */
            strength?: number | null;
            /** @description Names of prompt templates, put around the prompt one after the other. */
            styles?: string[];
            /**
             * Format: int32
             * @description Pixels.
             */
            width?: number | null;
        };
        /** @description A model file as it was when it was used. */
        HashedFile: {
            /**
             * Format: int64
             * @description Its size.
             */
            bytes: number;
            /** @description Relative to the models directory. */
            path: string;
            /** @description The preset's field, or the LoRA's name. */
            role: string;
            /** @description Its SHA-256. Null while its worker has not had the time to read it, and for good where it was changed before that. */
            sha256?: string | null;
        };
        /** @description A second pass: the first one's latents, enlarged and painted over in part. */
        Hires: {
            /**
             * Format: int32
             * @description Pixels.
             */
            height: number;
            /**
             * Format: float
             * @description How much larger each side becomes; the sides are rounded to the preset's multiple.
             */
            scale: number;
            /**
             * Format: int32
             * @description Steps of the second pass.
             */
            steps: number;
            /**
             * Format: float
             * @description How much is painted over, above 0 to 1.
             */
            strength: number;
            /** @description How the latents are enlarged, by the library's name. */
            upscaler: string;
            /**
             * Format: int32
             * @description Pixels.
             */
            width: number;
        };
        /** @description A second pass at a larger size. */
        HiresRequest: {
            /**
             * Format: float
             * @description How much larger each side becomes.
             * @example 2
             */
            scale: number;
            /**
             * Format: int32
             * @description Steps of the second pass; those of the first where absent.
             */
            steps?: number | null;
            /**
             * Format: float
             * @description How much is painted over, 0.01 to 1; 0.7 where absent.
             */
            strength?: number | null;
            /** @description How the latents are enlarged; `Latent` where absent. */
            upscaler?: string | null;
        };
        /** @description A picture. */
        Image: components["schemas"]["ImageRecord"] & {
            /** @description Its file. */
            file_url: string;
            /** @description Its thumbnail, a PNG too. */
            thumb_url: string;
            /**
             * @description Where it is shown.
             * @example /api/v1/images/0198c5b0-6f1e-7c40-b5a5-0d6a3f5f2a11
             */
            url: string;
        };
        /** @description Defaults of a diffusion preset. */
        ImageDefaults: {
            /**
             * Format: float
             * @description Guidance scale.
             */
            cfg: number;
            /**
             * Format: int32
             * @description Pixels.
             */
            height: number;
            /** @description What to avoid. */
            negative_prompt?: string;
            /** @description Sampler by the library's name; the model's own where absent. */
            sampler?: string | null;
            /** @description Noise schedule by the library's name; the model's own where absent. */
            scheduler?: string | null;
            /**
             * Format: int32
             * @description Diffusion steps.
             */
            steps: number;
            /** @description Diffusion steps of larger pictures, smallest first. */
            steps_by_size?: components["schemas"]["SizedSteps"][];
            /**
             * Format: int32
             * @description Pixels.
             */
            width: number;
        };
        /** @description The files of a diffusion model; at least `model` or `diffusion_model`. */
        ImageFiles: {
            /**
             * @description CLIP-G text encoder.
             * @default null
             */
            clip_g?: string | null;
            /**
             * @description CLIP-L text encoder.
             * @default null
             */
            clip_l?: string | null;
            /**
             * @description The diffusion network alone.
             * @default null
             */
            diffusion_model?: string | null;
            /**
             * @description Language model as text encoder.
             * @default null
             */
            llm?: string | null;
            /**
             * @description A full checkpoint.
             * @default null
             */
            model?: string | null;
            /**
             * @description T5-XXL text encoder.
             * @default null
             */
            t5xxl?: string | null;
            /**
             * @description A tiny autoencoder, used instead of the VAE.
             * @default null
             */
            taesd?: string | null;
            /**
             * @description The autoencoder.
             * @default null
             */
            vae?: string | null;
        };
        /** @description How the library loads a diffusion model; a change of one takes a load. */
        ImageFlags: {
            /**
             * @description The network's convolutions without a buffer of their own.
             * @default false
             */
            diffusion_conv_direct?: boolean;
            /**
             * @description The network attends with flash attention. Where absent a card does and a processor does not, as is quickest; the
             *     memory formulae reckon with it.
             * @default null
             */
            flash_attention?: boolean | null;
            /**
             * @description Weights are mapped and not read.
             * @default false
             */
            mmap?: boolean;
            /**
             * @description The decoder's, by which it takes some 2,560 bytes per pixel of a VAE's 6,656.
             * @default false
             */
            vae_conv_direct?: boolean;
        };
        /**
         * Format: uuid
         * @description A finished picture.
         */
        ImageId: string;
        /** @description Limits of a diffusion preset. */
        ImageLimits: {
            /**
             * Format: int32
             * @description Most pictures in one job.
             */
            max_batch: number;
            /**
             * Format: int32
             * @description Largest width and height after a second pass in pixels; `max_side` where absent.
             */
            max_hires_side?: number | null;
            /**
             * Format: int32
             * @description Largest width and height in pixels.
             */
            max_side: number;
            /**
             * Format: int32
             * @description Most diffusion steps.
             */
            max_steps: number;
            /**
             * Format: int32
             * @description Smallest width and height in pixels.
             */
            min_side: number;
            /**
             * Format: int32
             * @description Width and height are multiples of this many pixels.
             */
            multiple: number;
        };
        /** @description A picture's line, at most 100 pictures each way, without those in the bin. */
        ImageLineage: {
            /** @description What it was made from, from the nearest to the first of the line. */
            ancestors: components["schemas"]["Image"][];
            /** @description What was made from it, newest first. */
            children: components["schemas"]["Image"][];
        };
        /** @description What the memory formulae need to know of a diffusion model (see `need`). */
        ImageMemory: {
            /**
             * Format: double
             * @description Factor of the architecture in the activation formula.
             * @default 2
             */
            activation_factor?: number;
            /**
             * Format: int64
             * @description Bytes that the decoder takes per output pixel, untiled.
             * @default 6656
             */
            decode_bytes_per_pixel?: number;
            /**
             * Format: int32
             * @description Pixels per latent cell along a side.
             * @default 8
             */
            latent_scale?: number;
            /**
             * Format: int32
             * @description Side of a decoder tile in pixels.
             * @default 256
             */
            tile_side?: number;
        };
        /** @description A diffusion model. Paths are relative to the models directory. */
        ImageModel: {
            /** @description What is used where a request says nothing. */
            defaults: components["schemas"]["ImageDefaults"];
            /** @description The model's files. */
            files: components["schemas"]["ImageFiles"];
            /** @description How the library loads them. */
            flags?: components["schemas"]["ImageFlags"];
            /** @description What a request may ask for. */
            limits: components["schemas"]["ImageLimits"];
            /** @description Small networks that a request may put on top, by name. */
            loras?: components["schemas"]["Lora"][];
            /** @description How its memory grows. */
            memory?: components["schemas"]["ImageMemory"];
        };
        /** @description A page of pictures, newest first. */
        ImagePage: {
            /** @description The pictures. */
            images: components["schemas"]["Image"][];
            /** @description `cursor` of the next page; null on the last. */
            next?: string | null;
        };
        /** @description A finished picture. */
        ImageRecord: {
            /**
             * Format: int32
             * @description The attempt that made it; 0 where it was imported.
             */
            attempt: number;
            /**
             * Format: date-time
             * @description Since when it is in the bin.
             */
            binned_at?: string | null;
            /**
             * Format: date-time
             * @description When it was committed.
             */
            created_at: string;
            drawn_by?: components["schemas"]["JobId"] | null;
            /** @description Whether it is a favourite. */
            favourite: boolean;
            /** @description What its file is: `png`, `jpeg` or `webp`. */
            format: string;
            /**
             * Format: int32
             * @description Pixels.
             */
            height: number;
            /** @description Its id. */
            id: components["schemas"]["ImageId"];
            /**
             * Format: int32
             * @description Its place in that job, from 0.
             */
            index: number;
            job?: components["schemas"]["JobId"] | null;
            /** @description `job` where a job of ours made it, `import` where it came from elsewhere. */
            origin: string;
            /** @description The API key's name, or `local`. */
            owner: string;
            /**
             * @description The job's parameters; of an imported picture what its file says, and 0 or nothing where it says nothing; of an
             *     enlarged picture those of the one that it was made from.
             */
            params: components["schemas"]["GenerateParams"];
            parent?: components["schemas"]["ImageId"] | null;
            /** @description SHA-256 of the RGB pixels. */
            pixels_sha256: string;
            plan?: components["schemas"]["Plan"] | null;
            /** @description The model; of an imported picture what its file names so, or `unknown`. */
            preset: string;
            /**
             * Format: int32
             * @description 1 to 5; 0 where nobody has rated it.
             */
            rating: number;
            /**
             * Format: int64
             * @description Its own seed.
             */
            seed: number;
            /** @description SHA-256 of its file. */
            sha256: string;
            /** @description Its tags, best first. */
            tags: components["schemas"]["TagRecord"][];
            /** @description `none`, `pending`, `done` or `failed`. */
            tags_state: string;
            /** @description SHA-256 of the thumbnail's file. */
            thumb_sha256: string;
            /** @description Time by phase. */
            times: components["schemas"]["PhaseTimes"];
            upscale?: components["schemas"]["UpscaleParams"] | null;
            /**
             * Format: int32
             * @description Pixels.
             */
            width: number;
        };
        /** @description The request that makes a picture. */
        ImageSettings: components["schemas"]["SubmitGenerate"] | components["schemas"]["SubmitUpscale"];
        /** @description A model file that is to be taken in. */
        ImportModel: {
            /** @description One of `importable` of `GET /api/v1/models`. */
            file: string;
            /** @description SPDX name of its licence. */
            licence?: string;
            /** @description Its name in the catalogue; absent: the file's own name without the ending. */
            name?: string | null;
            /** @description Its path below the models directory; absent: the file's own name. */
            path?: string | null;
        };
        /** @description A job. */
        Job: components["schemas"]["JobRecord"] & {
            progress?: components["schemas"]["Progress"] | null;
            /**
             * @description Where it is shown.
             * @example /api/v1/jobs/0198c5b0-6f1e-7c40-b5a5-0d6a3f5f2a11
             */
            url: string;
        };
        /** @description How many jobs are in each state. */
        JobCounts: {
            /**
             * Format: int64
             * @description Ended by request.
             */
            cancelled: number;
            /**
             * Format: int64
             * @description Ended with an error.
             */
            failed: number;
            /**
             * Format: int64
             * @description Granted, not yet claimed.
             */
            leased: number;
            /**
             * Format: int64
             * @description Waiting.
             */
            queued: number;
            /**
             * Format: int64
             * @description Under way.
             */
            running: number;
            /**
             * Format: int64
             * @description Done.
             */
            succeeded: number;
        };
        /** @description A job with all that belongs to it. */
        JobDetail: components["schemas"]["Job"] & {
            /** @description Its attempts, first to last. */
            attempts: components["schemas"]["AttemptRecord"][];
            estimate?: components["schemas"]["Estimate"] | null;
            /** @description What draws or drew one of its pictures each on other devices, oldest first. */
            helpers: components["schemas"]["Job"][];
            /** @description The pictures that it has made so far, by index. */
            images: components["schemas"]["Image"][];
            /**
             * Format: int64
             * @description Queued jobs that start before it; only while it is queued.
             */
            position?: number | null;
            /** @description The jobs that tag its pictures. */
            tag_jobs: components["schemas"]["Job"][];
        };
        /**
         * Format: uuid
         * @description A job: one request for pictures, tags or text.
         */
        JobId: string;
        /**
         * @description What a job makes.
         * @enum {string}
         */
        JobKind: "generate" | "tag" | "enhance" | "upscale";
        /** @description A page of jobs, newest first. */
        JobPage: {
            /** @description The jobs. */
            jobs: components["schemas"]["Job"][];
            /** @description `cursor` of the next page; null on the last. */
            next?: string | null;
        };
        /** @description A job's parameters, by its kind. */
        JobParams: components["schemas"]["GenerateParams"] | components["schemas"]["TagParams"] | components["schemas"]["EnhanceParams"] | components["schemas"]["UpscaleParams"];
        /** @description How far a job is: an element of a `progress` frame of an event stream. */
        JobProgress: components["schemas"]["Progress"] & {
            /** @description The job. */
            job: components["schemas"]["JobId"];
        };
        /** @description A job's row. */
        JobRecord: {
            /**
             * Format: int32
             * @description Attempts started.
             */
            attempt: number;
            /**
             * Format: int32
             * @description Attempts started before it was last tried again; 0 where it never was.
             */
            attempts_before: number;
            /**
             * Format: date-time
             * @description When an end was asked for.
             */
            cancel_requested_at?: string | null;
            /**
             * Format: date-time
             * @description When it was accepted.
             */
            created_at: string;
            device?: components["schemas"]["DeviceId"] | null;
            /** @description What runs it. */
            engine: components["schemas"]["EngineKind"];
            /**
             * Format: int32
             * @description Engine children that died on it.
             */
            engine_deaths: number;
            error?: components["schemas"]["Failure"] | null;
            /** @description How often it was granted. */
            fence: components["schemas"]["Fence"];
            /**
             * Format: date-time
             * @description When it ended.
             */
            finished_at?: string | null;
            helps?: components["schemas"]["JobId"] | null;
            /** @description Id, ordered by time. */
            id: components["schemas"]["JobId"];
            /**
             * Format: int32
             * @description Pictures that exist.
             */
            images_done: number;
            /**
             * Format: int32
             * @description Pictures to make.
             */
            images_total: number;
            /** @description What it makes. */
            kind: components["schemas"]["JobKind"];
            /**
             * Format: date-time
             * @description When it was last granted.
             */
            leased_at?: string | null;
            /**
             * Format: int32
             * @description Attempts allowed each time that it is submitted or tried again.
             */
            max_attempts: number;
            /**
             * Format: date-time
             * @description Not granted before.
             */
            not_before?: string | null;
            /** @description `user`, or `auto` for a job that another job made. */
            origin: string;
            /** @description The API key's name, or `local`. */
            owner: string;
            /** @description Complete parameters. */
            params: components["schemas"]["JobParams"];
            parent_image?: components["schemas"]["ImageId"] | null;
            /**
             * Format: int32
             * @description The place of the picture that it has begun last, from 0.
             */
            picture?: number | null;
            /** @description The plan of the attempt under way, or of the next. */
            plan: components["schemas"]["Plan"];
            /** @description The model. */
            preset: string;
            /**
             * Format: int32
             * @description −100 to 100; higher runs first.
             */
            priority: number;
            result?: components["schemas"]["Enhanced"] | null;
            /**
             * Format: date-time
             * @description When the last attempt started.
             */
            started_at?: string | null;
            /** @description Where it stands. */
            state: components["schemas"]["JobState"];
            /**
             * Format: int32
             * @description Seconds that one attempt may take; no limit where absent.
             */
            timeout_s?: number | null;
            wait_reason?: components["schemas"]["WaitReason"] | null;
            worker?: components["schemas"]["WorkerId"] | null;
        };
        /**
         * @description Where a job stands.
         * @enum {string}
         */
        JobState: "queued" | "leased" | "running" | "succeeded" | "failed" | "cancelled";
        /** @description An API key, without what is secret about it. */
        KeyRecord: {
            /**
             * Format: date-time
             * @description When it was made.
             */
            created_at: string;
            /**
             * @description Whose it is; jobs made with it belong to this name.
             * @example anna
             */
            name: string;
            /**
             * Format: date-time
             * @description Since when it lets nobody in; null while it does.
             */
            revoked_at?: string | null;
        };
        /** @description A job on a device. */
        LeaseRecord: {
            /**
             * Format: int64
             * @description Milliseconds from then to the job's end, as the grant predicted it.
             */
            expected_ms: number;
            /** @description The grant's number. */
            fence: components["schemas"]["Fence"];
            /**
             * Format: date-time
             * @description When it was granted.
             */
            granted_at: string;
            /** @description The job. */
            job: components["schemas"]["JobId"];
            /** @description The model. */
            resident: components["schemas"]["ResidentId"];
            /** @description `granted`, `claimed` or `quarantined`. */
            state: string;
            /**
             * Format: int32
             * @description Turns taken.
             */
            turns: number;
            /** @description The worker. */
            worker: components["schemas"]["WorkerId"];
            /** @description Booked MiB beside the model's. */
            working: components["schemas"]["Mib"];
        };
        /** @description A small network on top of a model. */
        Lora: {
            /** @description Its file, relative to the models directory. */
            file: string;
            /** @description What requests call it. */
            name: string;
            /** @description Words that bring out what it has learned; added to prompts that lack them. */
            trigger?: string | null;
        };
        /** @description A LoRA of the preset, and how much of it. */
        LoraUse: {
            /** @description Its name in the preset. */
            name: string;
            /**
             * Format: float
             * @description −4 to 4; 0 is as good as none.
             * @default 1
             */
            weight?: number;
        };
        /** @description With what a picture was made. */
        MadeWith: {
            /** @description The device. */
            device: components["schemas"]["DeviceModel"];
            /** @description The model's files. */
            files: components["schemas"]["HashedFile"][];
            /** @description Versions of its native libraries by their names, as far as they say. */
            libraries: {
                [key: string]: string;
            };
            /** @description The LoRAs that were put on top. */
            loras: components["schemas"]["HashedFile"][];
            /** @description The sampler, also where the job left it to the model; null where nothing is sampled. */
            sampler?: string | null;
            /** @description The noise schedule, also where the job left it to the model. */
            scheduler?: string | null;
            /** @description Version of the engine's program. */
            version: string;
        };
        /** @description What to change of a picture; what is absent stays. Unknown fields are refused. */
        MarkImage: {
            /** @description Whether it is a favourite. */
            favourite?: boolean | null;
            /**
             * Format: int32
             * @description 1 to 5; 0 takes the rating back.
             */
            rating?: number | null;
        };
        /** @description Refers to an uploaded mask. */
        MaskRef: {
            /** @description An upload of one's own. */
            upload: components["schemas"]["UploadId"];
        };
        /**
         * Format: int64
         * @description Memory in mebibytes (2^20 bytes): the unit of the ledger.
         */
        Mib: number;
        /** @description What the engine loads. */
        Model: (components["schemas"]["ImageModel"] & {
            /** @enum {string} */
            engine: "sd";
        }) | (components["schemas"]["TextModel"] & {
            /** @enum {string} */
            engine: "llm";
        }) | (components["schemas"]["UpscaleModel"] & {
            /** @enum {string} */
            engine: "upscaler";
        });
        /** @description A model's last operation. */
        ModelOperation: {
            /**
             * Format: int64
             * @description Bytes that are done, a moment ago.
             */
            done: number;
            /**
             * Format: date-time
             * @description When it ended; null while it runs.
             */
            ended_at?: string | null;
            /** @description Why it failed. */
            error?: string | null;
            /** @description What is done with it. */
            kind: components["schemas"]["OperationKind"];
            /** @description The model. */
            model: string;
            /**
             * Format: date-time
             * @description When it began.
             */
            started_at: string;
            /** @description `running`, `done`, `failed` or `cancelled`. */
            state: string;
            /**
             * Format: int64
             * @description Bytes in all.
             */
            total: number;
        };
        /** @description The models directory of the API's host. */
        Models: {
            /** @description What its catalogue has. */
            catalogue: components["schemas"]["CatalogueModel"][];
            /** @description The model files that lie in it, by their paths. */
            files: components["schemas"]["FoundFile"][];
            /** @description The model files of the import directory, which `POST /api/v1/models/import` takes. */
            importable: components["schemas"]["FoundFile"][];
            /** @description The last operation of each model that is in no catalogue yet. */
            importing: components["schemas"]["ModelOperation"][];
        };
        /** @description Memory in two parts, as the ledger books it. */
        Need: {
            /** @description For as long as the model is loaded. */
            resident: components["schemas"]["Mib"];
            /** @description For the life of one job's lease. */
            working: components["schemas"]["Mib"];
        };
        /** @description A new key. */
        NewKey: {
            /** @description What to send as `Authorization: Bearer`. Nothing shows it again. */
            key: string;
            /** @description Whose it is. */
            name: string;
        };
        /**
         * @description What is done with a model.
         * @enum {string}
         */
        OperationKind: "pull" | "verify" | "import" | "remove";
        /** @description What is expected of a job that waits. */
        Outlook: {
            estimate?: components["schemas"]["Estimate"] | null;
            /**
             * Format: int64
             * @description Queued jobs that start before it.
             */
            position: number;
            wait_reason?: components["schemas"]["WaitReason"] | null;
        };
        /** @description An owner's wishes. */
        OwnerSettings: {
            /** @description Whether pictures are tagged; null: as the server is configured. */
            auto_tag?: boolean | null;
        };
        /** @description What a request may say of one parameter; what is absent is not limited. */
        Parameter: {
            /** @description It is one of these. */
            choices?: string[] | null;
            default?: components["schemas"]["Scalar"] | null;
            maximum?: components["schemas"]["Scalar"] | null;
            minimum?: components["schemas"]["Scalar"] | null;
            /**
             * Format: int32
             * @description It is a multiple of this.
             */
            multiple?: number | null;
            /** @description Other defaults for larger pictures, smallest first. */
            steps_by_size?: components["schemas"]["SizedSteps"][];
        };
        /** @description What a pause covers. */
        Pause: {
            /** @enum {string} */
            scope: "queue";
        } | {
            /** @description The jobs of one owner. */
            name: string;
            /** @enum {string} */
            scope: "owner";
        } | {
            /** @description The jobs that ask for one preset. */
            name: string;
            /** @enum {string} */
            scope: "preset";
        } | {
            /** @description One device: it gets no job and loads no model. */
            name: components["schemas"]["DeviceId"];
            /** @enum {string} */
            scope: "device";
        };
        /** @description A pause that is in force. */
        PauseRecord: components["schemas"]["Pause"] & {
            /**
             * Format: date-time
             * @description Since when.
             */
            paused_at: string;
            /** @description The API key's name, or `local`. */
            paused_by: string;
            /** @description Whether a device's idle models are unloaded too. */
            release: boolean;
        };
        /** @description What to stop. Unknown fields are refused. */
        PauseRequest: {
            /** @description Which owner, preset or device; absent for the queue. */
            name?: string | null;
            /** @description For a device: its idle models are unloaded, so that others can have its memory. */
            release?: boolean;
            /** @description How much is stopped. */
            scope: components["schemas"]["PauseScope"];
        };
        /**
         * @description How much is stopped.
         * @enum {string}
         */
        PauseScope: "queue" | "owner" | "preset" | "device";
        /**
         * @description Part of a running attempt.
         * @enum {string}
         */
        Phase: "loading" | "encoding" | "sampling" | "decoding" | "saving";
        /** @description Milliseconds that an attempt spent in each phase. */
        PhaseTimes: {
            /**
             * Format: int64
             * @description Decoding.
             * @default 0
             */
            decoding_ms?: number;
            /**
             * Format: int64
             * @description Encoding the prompt.
             * @default 0
             */
            encoding_ms?: number;
            /**
             * Format: int64
             * @description Reading the model; 0 where it was loaded already.
             * @default 0
             */
            loading_ms?: number;
            /**
             * Format: int64
             * @description Sampling.
             * @default 0
             */
            sampling_ms?: number;
            /**
             * Format: int64
             * @description Writing to the store.
             * @default 0
             */
            saving_ms?: number;
        };
        /** @description Refers to a picture: an upload, or a finished one. Exactly one of the two. */
        PictureRef: {
            image?: components["schemas"]["ImageId"] | null;
            upload?: components["schemas"]["UploadId"] | null;
        };
        /**
         * @description One rung of an engine's ladder from fast to frugal. Each keeps what the one above it saves; of two rungs of one
         *     ladder the greater is the more frugal.
         * @enum {string}
         */
        Plan: "full" | "vae_tiling" | "text_encoder_on_cpu" | "vae_on_cpu" | "streamed" | "kv_quantised" | "half_offloaded";
        /** @description A named model. Unknown fields are refused by the model's own type: here, serde would refuse the model's too. */
        Preset: components["schemas"]["Model"] & {
            /** @description Unique name. */
            name: string;
            /** @description One line for people. */
            title: string;
        };
        /** @description A preset on one worker. */
        PresetOnWorker: {
            /** @description Its device. */
            device: components["schemas"]["DeviceId"];
            need?: components["schemas"]["Need"] | null;
            /** @description Whether the worker has yet to look at the preset as it is now; the rest is of an earlier one. */
            outdated: boolean;
            /** @description The plans that the worker offers for it, fastest first. */
            plans: components["schemas"]["Plan"][];
            /** @description Why the worker can't serve it; absent where it can. */
            problem?: string | null;
            /** @description Size of the preset's files in MiB. */
            weights: components["schemas"]["Mib"];
            /** @description The worker. */
            worker: components["schemas"]["WorkerId"];
        };
        /** @description A preset that was written. */
        PresetPut: components["schemas"]["PresetRecord"] & {
            /**
             * @description Why its files could not be looked at on the API's own host; absent where they were. What each worker finds is
             *     under `workers`.
             */
            unchecked?: string | null;
        };
        /** @description A preset and where it can run. */
        PresetRecord: components["schemas"]["Preset"] & {
            /** @description What its jobs were seen to take. */
            measured: components["schemas"]["EstimateRecord"][];
            /** @description `file` where the models directory's catalogue has it so, `api` where it was written over REST since. */
            origin: string;
            /** @description What a request may say, by the parameter's name. */
            parameters: {
                [key: string]: components["schemas"]["Parameter"];
            };
            /** @description Hash over its files and flags: a change of it takes a load. */
            signature: string;
            /**
             * Format: date-time
             * @description When it was last changed.
             */
            updated_at: string;
            /** @description What each live worker says of it. */
            workers: components["schemas"]["PresetOnWorker"][];
        };
        /** @description Why a request was not served (RFC 9457, `application/problem+json`). */
        Problem: {
            /** @description What would have been accepted. */
            allowed?: string | null;
            /** @description One sentence about this occurrence. */
            detail: string;
            /** @description The field at fault, as `params.width`. */
            field?: string | null;
            /**
             * Format: int32
             * @description The HTTP status.
             */
            status: number;
            /** @description The kind in words. */
            title: string;
            /** @description Stable name of the kind of problem, as a URN: `urn:mystic:problem:invalid_field`. */
            type: string;
            /** @description The value that was given. */
            value?: string | null;
        };
        /** @description How far a running job is. A hint that travels over Redis and is never stored as truth. */
        Progress: {
            /**
             * Format: int32
             * @description Attempt that makes it, from 1.
             */
            attempt: number;
            /**
             * Format: int32
             * @description Index of the picture in the job, from 0.
             */
            index: number;
            /**
             * Format: int32
             * @description Steps in this phase; 0 where unknown.
             */
            of: number;
            /** @description The phase under way. */
            phase: components["schemas"]["Phase"];
            /**
             * Format: int32
             * @description Previews that this attempt has shown; 0 where there is none to see.
             */
            preview?: number;
            /**
             * Format: int32
             * @description Steps done in this phase.
             */
            step: number;
        };
        /** @description What an alias is written as. Unknown fields are refused. */
        PutTagAlias: {
            /**
             * @description The tag.
             * @example portrait
             */
            tag: string;
        };
        /** @description A template's words. Unknown fields are refused. */
        PutTemplate: {
            /** @description What it is listed under. */
            category?: string;
            /**
             * @description Its words; `{prompt}` stands for what somebody writes. They may hold choices and wildcards.
             * @example {prompt}, watercolour, {soft|bright} light
             */
            content: string;
            /** @description What people call it; its name where absent. */
            label?: string | null;
            /** @description What is added to what is to be avoided. */
            negative_prompt?: string;
        };
        /** @description The queue at a glance. */
        QueueView: {
            /** @description Jobs by state. */
            counts: components["schemas"]["JobCounts"];
            /** @description Leased and running jobs, oldest lease first. */
            running: components["schemas"]["Job"][];
            /** @description The first of the waiting jobs, in the order in which they will run. */
            waiting: components["schemas"]["WaitingJob"][];
        };
        /** @description All that a picture's pixels follow from. */
        Receipt: {
            /** @description The picture. */
            image: components["schemas"]["ImageId"];
            made_with?: components["schemas"]["MadeWith"] | null;
            /**
             * @description Its job's parameters, every default filled in, with the SHA-256 of the files that it started from; of an enlarged
             *     picture those of the one that it was made from.
             */
            params: components["schemas"]["GenerateParams"];
            /** @description SHA-256 of its RGB pixels. */
            pixels_sha256: string;
            /** @description How it was fitted into memory. */
            plan: components["schemas"]["Plan"];
            /** @description The model. */
            preset: string;
            /**
             * Format: int64
             * @description Its own seed.
             */
            seed: number;
            /** @description SHA-256 of its PNG file. */
            sha256: string;
            upscale?: components["schemas"]["UpscaleParams"] | null;
        };
        /**
         * Format: uuid
         * @description One engine child with the model that it holds.
         */
        ResidentId: string;
        /** @description A loaded model. */
        ResidentRecord: {
            /** @description Booked MiB. */
            booked: components["schemas"]["Mib"];
            /** @description How it is loaded. */
            context: components["schemas"]["ContextPlan"];
            /**
             * Format: date-time
             * @description When it was granted.
             */
            created_at: string;
            /** @description Its id. */
            id: components["schemas"]["ResidentId"];
            /**
             * Format: int64
             * @description Seconds since then, by the database's clock.
             */
            idle_s: number;
            /**
             * Format: date-time
             * @description When it was loaded.
             */
            loaded_at?: string | null;
            observed?: components["schemas"]["Mib"] | null;
            /** @description Whether its preset names other files or flags by now: it takes no further job. */
            outdated: boolean;
            /** @description What is loaded. */
            preset: string;
            /** @description `loading`, `ready` or `evicting`. */
            state: string;
            /**
             * Format: date-time
             * @description When a job last had it.
             */
            used_at: string;
            /** @description The worker that holds it. */
            worker: components["schemas"]["WorkerId"];
        };
        /** @description What another try of many jobs did. */
        RetriedJobs: {
            /**
             * Format: int64
             * @description Jobs that are queued again.
             */
            queued: number;
            /**
             * Format: int64
             * @description Jobs that stay failed, since their presets take no jobs any more.
             */
            refused: number;
        };
        /** @description A parameter's value. */
        Scalar: number | string;
        /** @description A picture that is like another. */
        SimilarImage: {
            /** @description The picture. */
            image: components["schemas"]["Image"];
            /**
             * Format: float
             * @description How alike the prompts are, from 0 to 1: the share of the trigrams that both have.
             */
            prompt: number;
            /**
             * Format: float
             * @description How alike the tags are, from 0 to 1: the share of the tags that both have.
             */
            tags: number;
        };
        /** @description Pictures that are like another, most alike first. */
        SimilarImages: {
            /** @description The pictures. */
            images: components["schemas"]["SimilarImage"][];
        };
        /** @description How many pictures have a size. */
        SizeCount: {
            /**
             * Format: int64
             * @description Pictures.
             */
            count: number;
            /**
             * Format: int32
             * @description Pixels.
             */
            height: number;
            /**
             * Format: int32
             * @description Pixels.
             */
            width: number;
        };
        /** @description Other steps for pictures from some size on. */
        SizedSteps: {
            /**
             * Format: int32
             * @description For pictures whose longer side has more pixels than this.
             */
            above: number;
            /**
             * Format: int32
             * @description Diffusion steps.
             */
            steps: number;
        };
        /** @description A picture that a job starts from. Its file is what counts: the ids say where it came from. */
        Source: {
            image?: components["schemas"]["ImageId"] | null;
            /** @description SHA-256 of its file in the store. */
            sha256: string;
            upload?: components["schemas"]["UploadId"] | null;
        };
        /** @description A job that was there, or what would come of one. */
        SubmitAnswer: components["schemas"]["Job"] | components["schemas"]["DryRun"];
        /** @description A prompt to write out. */
        SubmitEnhance: {
            /** @description `enhance`. */
            kind: components["schemas"]["EnhanceKind"];
            /**
             * Format: int32
             * @description Attempts allowed, 1 to 100.
             * @default 5
             */
            max_attempts?: number;
            /**
             * Format: date-time
             * @description Not started before this time.
             */
            not_before?: string | null;
            /** @description What to write out. */
            params: components["schemas"]["EnhanceRequest"];
            /** @description The language model; the server's own for prompts where absent. */
            preset?: string | null;
            /**
             * Format: int32
             * @description −100 to 100; higher runs first.
             */
            priority?: number;
            /**
             * Format: int32
             * @description Seconds that one attempt may take, 1 to 86400; no limit where absent.
             */
            timeout_s?: number | null;
        };
        /** @description Pictures from a prompt. */
        SubmitGenerate: {
            /** @description Whether each picture is tagged; where absent its owner's settings decide, or the server's configuration. */
            auto_tag?: boolean | null;
            /** @description `generate`. */
            kind: components["schemas"]["GenerateKind"];
            /**
             * Format: int32
             * @description Attempts allowed, 1 to 100.
             * @default 5
             */
            max_attempts?: number;
            /**
             * Format: date-time
             * @description Not started before this time.
             */
            not_before?: string | null;
            /** @description What to make. */
            params: components["schemas"]["GenerateRequest"];
            /**
             * @description The image model, by a name from `/api/v1/presets`.
             * @example demo
             */
            preset: string;
            /**
             * Format: int32
             * @description −100 to 100; higher runs first.
             */
            priority?: number;
            /**
             * Format: int32
             * @description Seconds that one attempt may take, 1 to 86400; no limit where absent.
             */
            timeout_s?: number | null;
        };
        /** @description A job to submit. Unknown fields are refused. */
        SubmitJob: components["schemas"]["SubmitGenerate"] | components["schemas"]["SubmitTag"] | components["schemas"]["SubmitEnhance"] | components["schemas"]["SubmitUpscale"];
        /** @description Tags for one picture. */
        SubmitTag: {
            /** @description `tag`. */
            kind: components["schemas"]["TagKind"];
            /**
             * Format: int32
             * @description Attempts allowed, 1 to 100.
             * @default 5
             */
            max_attempts?: number;
            /**
             * Format: date-time
             * @description Not started before this time.
             */
            not_before?: string | null;
            /** @description What to tag. */
            params: components["schemas"]["TagRequest"];
            /** @description The language model; the server's tagging preset where absent. */
            preset?: string | null;
            /**
             * Format: int32
             * @description −100 to 100; higher runs first.
             */
            priority?: number;
            /**
             * Format: int32
             * @description Seconds that one attempt may take, 1 to 86400; no limit where absent.
             */
            timeout_s?: number | null;
        };
        /** @description A picture, enlarged. */
        SubmitUpscale: {
            /** @description `upscale`. */
            kind: components["schemas"]["UpscaleKind"];
            /**
             * Format: int32
             * @description Attempts allowed, 1 to 100.
             * @default 5
             */
            max_attempts?: number;
            /**
             * Format: date-time
             * @description Not started before this time.
             */
            not_before?: string | null;
            /** @description What to enlarge. */
            params: components["schemas"]["PictureRef"];
            /** @description The network that enlarges, by a name from `/api/v1/presets`: it says how much larger each side becomes. */
            preset: string;
            /**
             * Format: int32
             * @description −100 to 100; higher runs first.
             */
            priority?: number;
            /**
             * Format: int32
             * @description Seconds that one attempt may take, 1 to 86400; no limit where absent.
             */
            timeout_s?: number | null;
        };
        /**
         * @description The kind of [`SubmitTag`].
         * @enum {string}
         */
        TagKind: "tag";
        /** @description What a `tag` job reads. */
        TagParams: {
            /** @description The picture that gets the tags. */
            image: components["schemas"]["ImageId"];
            /** @description The prompt that made it. */
            prompt: string;
        };
        /** @description A tag of a picture. */
        TagRecord: {
            /**
             * Format: float
             * @description 0 to 1.
             */
            confidence: number;
            /** @description The tag. */
            name: string;
            /** @description `user`, `llm` or `vlm`. */
            source: string;
        };
        /** @description What to tag. */
        TagRequest: {
            /** @description The picture. */
            image: components["schemas"]["ImageId"];
        };
        /** @description A prompt template, which people call a style. */
        TemplateRecord: {
            /** @description What it is listed under. */
            category: string;
            /** @description Its words; `{prompt}` stands for what somebody writes. */
            content: string;
            /**
             * Format: date-time
             * @description When it was made.
             */
            created_at: string;
            /** @description What people call it. */
            label: string;
            /** @description Unique name. */
            name: string;
            /** @description What is added to what is to be avoided. */
            negative_prompt: string;
            /**
             * Format: date-time
             * @description When it was last changed.
             */
            updated_at: string;
            /**
             * Format: date-time
             * @description When the last of them was.
             */
            used_at?: string | null;
            /**
             * Format: int64
             * @description Jobs that were submitted with it.
             */
            uses: number;
        };
        /** @description A language model. Paths are relative to the models directory. */
        TextModel: {
            /**
             * Format: int32
             * @description Context size in tokens.
             */
            context: number;
            /** @description The GGUF file. */
            file: string;
            /**
             * Format: int32
             * @description Size of a head.
             */
            head_dim: number;
            /**
             * Format: int32
             * @description Key-value heads.
             */
            kv_heads: number;
            /**
             * Format: int32
             * @description Transformer layers.
             */
            layers: number;
            /**
             * @description The GGUF file that lets it see, made for this model (`mmproj`): with it pictures are tagged by their pixels, and the
             *     prompt is a hint.
             */
            mmproj?: string | null;
        };
        /** @description A picture or mask that jobs may start from. */
        Upload: {
            /**
             * Format: date-time
             * @description When it came.
             */
            created_at: string;
            /**
             * Format: int32
             * @description Pixels.
             */
            height: number;
            /** @description Its id, for `params.init` and the like. */
            id: components["schemas"]["UploadId"];
            /** @description What it is for. */
            kind: components["schemas"]["UploadKind"];
            /** @description SHA-256 of the PNG that is kept. */
            sha256: string;
            /**
             * Format: int32
             * @description Pixels.
             */
            width: number;
        };
        /**
         * Format: uuid
         * @description A picture or a mask that a user sent.
         */
        UploadId: string;
        /**
         * @description What an upload is for.
         * @enum {string}
         */
        UploadKind: "picture" | "mask";
        /**
         * @description The kind of [`SubmitUpscale`].
         * @enum {string}
         */
        UpscaleKind: "upscale";
        /** @description An ESRGAN network. The path is relative to the models directory. */
        UpscaleModel: {
            /** @description The file. */
            file: string;
            /**
             * Format: int32
             * @description Largest width and height of a picture to enlarge, in pixels.
             */
            max_side: number;
            /**
             * Format: int32
             * @description How much larger it makes each side: 1, 2 or 4, as it was trained.
             */
            scale: number;
            /**
             * Format: int32
             * @description Side in pixels of the tiles that a larger picture is enlarged in, one after the other; a quarter of each is shared
             *     with its neighbour.
             */
            tile?: number;
        };
        /** @description What an `upscale` job enlarges. */
        UpscaleParams: {
            /**
             * Format: int32
             * @description Its height in pixels.
             */
            height: number;
            /**
             * Format: int32
             * @description How much larger each side becomes.
             */
            scale: number;
            /** @description The picture. */
            source: components["schemas"]["Source"];
            /**
             * Format: int32
             * @description Its width in pixels.
             */
            width: number;
        };
        /** @description How many pictures have a value. */
        ValueCount: {
            /**
             * Format: int64
             * @description Pictures.
             */
            count: number;
            /** @description The value. */
            value: string;
        };
        /** @description Why a queued job waits. */
        WaitReason: {
            /** @description The preset asked for. */
            preset: string;
            /** @enum {string} */
            reason: "no_worker";
        } | {
            /** @description One of them. */
            device: components["schemas"]["DeviceId"];
            /** @enum {string} */
            reason: "device_lost";
        } | {
            /** @description The device. */
            device: components["schemas"]["DeviceId"];
            /** @description MiB that are free there. */
            free: components["schemas"]["Mib"];
            /** @description MiB that the job needs there. */
            need: components["schemas"]["Mib"];
            /** @enum {string} */
            reason: "vram_short";
        } | {
            /** @description The device that comes nearest. */
            device: components["schemas"]["DeviceId"];
            /** @description MiB that it could have there at most. */
            most: components["schemas"]["Mib"];
            /** @description MiB that the job needs there with its most frugal plan. */
            need: components["schemas"]["Mib"];
            /** @enum {string} */
            reason: "too_large";
        } | {
            /** @description Where. */
            device: components["schemas"]["DeviceId"];
            /**
             * Format: int32
             * @description Per cent of it that are loaded, where its engine says so; told when somebody asks, and not noted.
             */
            percent?: number | null;
            /** @description What. */
            preset: string;
            /** @enum {string} */
            reason: "model_loading";
        } | {
            /**
             * Format: int32
             * @description Jobs that come first: of hundreds, give or take a tenth.
             */
            n: number;
            /** @enum {string} */
            reason: "behind";
        } | {
            /** @enum {string} */
            reason: "not_before";
        } | {
            /** @description By this pause. */
            by: components["schemas"]["Pause"];
            /** @enum {string} */
            reason: "paused";
        };
        /** @description A job that waits. */
        WaitingJob: components["schemas"]["Job"] & {
            estimate?: components["schemas"]["Estimate"] | null;
        };
        /** @description A wildcard. */
        Wildcard: {
            /** @description What it may stand for. */
            lines: number;
            /**
             * @description What stands between the underscores; a slash for each folder.
             * @example colour
             */
            name: string;
        };
        /**
         * Format: uuid
         * @description One incarnation of a worker process; a restart gets a new one.
         */
        WorkerId: string;
        /** @description One incarnation of a worker process. */
        WorkerRecord: {
            /**
             * Format: int64
             * @description Heartbeats so far.
             */
            beat: number;
            /**
             * Format: date-time
             * @description When its last heartbeat came.
             */
            beat_at: string;
            /** @description Its device. */
            device: components["schemas"]["DeviceId"];
            /** @description Its engine. */
            engine: components["schemas"]["EngineKind"];
            /**
             * Format: date-time
             * @description When it ended or was given up.
             */
            gone_at?: string | null;
            /** @description The machine. */
            host: string;
            /** @description Its id. */
            id: components["schemas"]["WorkerId"];
            /**
             * Format: int32
             * @description Engine children that it may have.
             */
            max_children: number;
            /**
             * Format: int32
             * @description Its process.
             */
            pid: number;
            /**
             * Format: date-time
             * @description When it started.
             */
            registered_at: string;
            /** @description `ready`, `draining` or `gone`. */
            state: string;
            /** @description Version of its program. */
            version: string;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    list_devices: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The devices */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeviceRecord"][];
                };
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_estimates: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The estimates */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EstimateRecord"][];
                };
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    reset_estimates: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The preset's name */
                preset: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Nothing is learned of it */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    follow_all: {
        parameters: {
            query?: never;
            header?: {
                /** @description Go on after this event */
                "Last-Event-ID"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Events */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": string;
                };
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_images: {
        parameters: {
            query?: {
                /** @description These, separated by commas, at most 500. */
                ids?: components["schemas"]["ImageId"][];
                /** @description Made by this job. */
                job?: string;
                /** @description Made by this preset. */
                preset?: string;
                /** @description Made for this owner. */
                owner?: string;
                /**
                 * @description Words of the prompt, the tags or the negative prompt, as in a web search: `"red circle" or square -blurry`.
                 * @example "red circle" or square -blurry
                 */
                q?: string;
                /** @description With all of these tags, separated by commas, at most 20. */
                tags?: string[];
                /** @description With one of these tags at least, separated by commas, at most 20. */
                any_tags?: string[];
                /** @description With none of these tags, separated by commas, at most 20. */
                no_tags?: string[];
                /** @description Rated so high or higher. */
                rating_min?: number;
                /** @description Whether it is a favourite. */
                favourite?: boolean;
                /** @description Pixels, at least. */
                min_width?: number;
                /** @description Pixels, at most. */
                max_width?: number;
                /** @description Pixels, at least. */
                min_height?: number;
                /** @description Pixels, at most. */
                max_height?: number;
                /** @description Made then or later. */
                from?: string;
                /** @description Made before. */
                to?: string;
                /** @description The picture's own seed. */
                seed?: number;
                /** @description Made from this picture. */
                parent?: string;
                /** @description Whether pictures in the bin are meant, which nothing else shows. */
                bin?: boolean;
                /** @description `relevance` is for a search with `q` and has one page: the best of the newest 1,000 pictures that it finds. */
                sort?: "newest" | "relevance";
                /** @description `next` of the page before. */
                cursor?: string;
                /** @description Pictures in the page. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of pictures */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ImagePage"];
                };
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    change_images: {
        parameters: {
            query?: {
                /** @description These, separated by commas, at most 500. */
                ids?: components["schemas"]["ImageId"][];
                /** @description Made by this job. */
                job?: string;
                /** @description Made by this preset. */
                preset?: string;
                /** @description Made for this owner. */
                owner?: string;
                /**
                 * @description Words of the prompt, the tags or the negative prompt, as in a web search: `"red circle" or square -blurry`.
                 * @example "red circle" or square -blurry
                 */
                q?: string;
                /** @description With all of these tags, separated by commas, at most 20. */
                tags?: string[];
                /** @description With one of these tags at least, separated by commas, at most 20. */
                any_tags?: string[];
                /** @description With none of these tags, separated by commas, at most 20. */
                no_tags?: string[];
                /** @description Rated so high or higher. */
                rating_min?: number;
                /** @description Whether it is a favourite. */
                favourite?: boolean;
                /** @description Pixels, at least. */
                min_width?: number;
                /** @description Pixels, at most. */
                max_width?: number;
                /** @description Pixels, at least. */
                min_height?: number;
                /** @description Pixels, at most. */
                max_height?: number;
                /** @description Made then or later. */
                from?: string;
                /** @description Made before. */
                to?: string;
                /** @description The picture's own seed. */
                seed?: number;
                /** @description Made from this picture. */
                parent?: string;
                /** @description Whether pictures in the bin are meant, which nothing else shows. */
                bin?: boolean;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["BulkAction"];
            };
        };
        responses: {
            /** @description How many */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BulkChanged"];
                };
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    count_images: {
        parameters: {
            query?: {
                /** @description These, separated by commas, at most 500. */
                ids?: components["schemas"]["ImageId"][];
                /** @description Made by this job. */
                job?: string;
                /** @description Made by this preset. */
                preset?: string;
                /** @description Made for this owner. */
                owner?: string;
                /**
                 * @description Words of the prompt, the tags or the negative prompt, as in a web search: `"red circle" or square -blurry`.
                 * @example "red circle" or square -blurry
                 */
                q?: string;
                /** @description With all of these tags, separated by commas, at most 20. */
                tags?: string[];
                /** @description With one of these tags at least, separated by commas, at most 20. */
                any_tags?: string[];
                /** @description With none of these tags, separated by commas, at most 20. */
                no_tags?: string[];
                /** @description Rated so high or higher. */
                rating_min?: number;
                /** @description Whether it is a favourite. */
                favourite?: boolean;
                /** @description Pixels, at least. */
                min_width?: number;
                /** @description Pixels, at most. */
                max_width?: number;
                /** @description Pixels, at least. */
                min_height?: number;
                /** @description Pixels, at most. */
                max_height?: number;
                /** @description Made then or later. */
                from?: string;
                /** @description Made before. */
                to?: string;
                /** @description The picture's own seed. */
                seed?: number;
                /** @description Made from this picture. */
                parent?: string;
                /** @description Whether pictures in the bin are meant, which nothing else shows. */
                bin?: boolean;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The counts */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Facets"];
                };
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    import_image: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description The file, whatever its declared type */
        requestBody: {
            content: {
                "application/octet-stream": number[];
            };
        };
        responses: {
            /** @description The picture that has this file already, in the bin or not */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Image"];
                };
            };
            /** @description Imported */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Image"];
                };
            };
            /** @description More bytes than `api.max_upload_bytes` */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description No picture, a broken or a too large one */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    show_image: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The picture */
                id: components["schemas"]["ImageId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The picture */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Image"];
                };
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    delete_image: {
        parameters: {
            query?: {
                /** @description Delete what is in the bin, with its files. */
                for_good?: boolean;
            };
            header?: never;
            path: {
                /** @description The picture */
                id: components["schemas"]["ImageId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The picture, in the bin */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Image"];
                };
            };
            /** @description It is deleted for good */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description It is not in the bin, or jobs are still at work with it */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    mark_image: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The picture */
                id: components["schemas"]["ImageId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["MarkImage"];
            };
        };
        responses: {
            /** @description The picture as it is now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Image"];
                };
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_image_file: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The picture */
                id: components["schemas"]["ImageId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The file */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "image/png": number[];
                };
            };
            /** @description A part of it */
            206: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "image/png": number[];
                };
            };
            /** @description The client has it */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    show_lineage: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The picture */
                id: components["schemas"]["ImageId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Its line */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ImageLineage"];
                };
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    show_receipt: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The picture */
                id: components["schemas"]["ImageId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Its receipt */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Receipt"];
                };
            };
            /** @description It was imported */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    restore_image: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The picture */
                id: components["schemas"]["ImageId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The picture as it is now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Image"];
                };
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_image_settings: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The picture */
                id: components["schemas"]["ImageId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The request */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ImageSettings"];
                };
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_similar_images: {
        parameters: {
            query?: {
                /** @description Pictures at most. */
                limit?: number;
            };
            header?: never;
            path: {
                /** @description The picture */
                id: components["schemas"]["ImageId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The pictures */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SimilarImages"];
                };
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    tag_image: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The picture */
                id: components["schemas"]["ImageId"];
                /** @description The tag */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The picture as it is now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Image"];
                };
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    untag_image: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The picture */
                id: components["schemas"]["ImageId"];
                /** @description The tag */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The picture as it is now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Image"];
                };
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_image_thumb: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The picture */
                id: components["schemas"]["ImageId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The file */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "image/png": number[];
                };
            };
            /** @description A part of it */
            206: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "image/png": number[];
                };
            };
            /** @description The client has it */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    verify_image: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The picture */
                id: components["schemas"]["ImageId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The job */
            202: {
                headers: {
                    /** @description The job's URL */
                    Location?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            /** @description It was imported, or its preset takes no jobs any more */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its preset does not allow its parameters any more */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_jobs: {
        parameters: {
            query?: {
                /** @description Any of these states, separated by commas. */
                state?: components["schemas"]["JobState"][];
                /** @description This kind. */
                kind?: components["schemas"]["JobKind"];
                /** @description This preset. */
                preset?: string;
                /** @description This owner. */
                owner?: string;
                /** @description Failed for this reason. */
                failure?: "invalid_input" | "model_missing" | "model_corrupt" | "out_of_memory" | "engine_crashed" | "engine_hung" | "device_lost" | "disk_full" | "timeout" | "worker_lost" | "internal";
                /** @description `next` of the page before. */
                cursor?: string;
                /** @description Jobs in the page. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of jobs */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobPage"];
                };
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    submit_job: {
        parameters: {
            query?: {
                /** @description Only say what would come of the job, and store nothing. */
                dry_run?: boolean;
            };
            header?: {
                /** @description 1 to 255 visible ASCII characters, unique per job and owner */
                "Idempotency-Key"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SubmitJob"];
            };
        };
        responses: {
            /** @description Accepted before, under the same key; with `dry_run`, what would come of it */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SubmitAnswer"];
                };
            };
            /** @description Accepted */
            202: {
                headers: {
                    /** @description The job's URL */
                    Location?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            /** @description The key was used for another request */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field is unknown, missing or not allowed */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    cancel_jobs: {
        parameters: {
            query: {
                /** @description Any of these states, separated by commas; required, so that nobody means everything by leaving something out. */
                state: components["schemas"]["JobState"][];
                /** @description This kind. */
                kind?: components["schemas"]["JobKind"];
                /** @description This preset. */
                preset?: string;
                /** @description This owner. */
                owner?: string;
                /** @description Failed for this reason. */
                failure?: "invalid_input" | "model_missing" | "model_corrupt" | "out_of_memory" | "engine_crashed" | "engine_hung" | "device_lost" | "disk_full" | "timeout" | "worker_lost" | "internal";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description How many */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CancelledJobs"];
                };
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    delete_jobs: {
        parameters: {
            query: {
                /** @description Any of these states, separated by commas; required, so that nobody means everything by leaving something out. */
                state: components["schemas"]["JobState"][];
                /** @description This kind. */
                kind?: components["schemas"]["JobKind"];
                /** @description This preset. */
                preset?: string;
                /** @description This owner. */
                owner?: string;
                /** @description Failed for this reason. */
                failure?: "invalid_input" | "model_missing" | "model_corrupt" | "out_of_memory" | "engine_crashed" | "engine_hung" | "device_lost" | "disk_full" | "timeout" | "worker_lost" | "internal";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description How many */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeletedJobs"];
                };
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    retry_jobs: {
        parameters: {
            query: {
                /** @description Any of these states, separated by commas; required, so that nobody means everything by leaving something out. */
                state: components["schemas"]["JobState"][];
                /** @description This kind. */
                kind?: components["schemas"]["JobKind"];
                /** @description This preset. */
                preset?: string;
                /** @description This owner. */
                owner?: string;
                /** @description Failed for this reason. */
                failure?: "invalid_input" | "model_missing" | "model_corrupt" | "out_of_memory" | "engine_crashed" | "engine_hung" | "device_lost" | "disk_full" | "timeout" | "worker_lost" | "internal";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description How many */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RetriedJobs"];
                };
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    show_job: {
        parameters: {
            query?: {
                /**
                 * @description Wait for the job's end for so long (`30s`, `500ms`), at most 60s; the answer comes earlier when it has ended.
                 * @example 30s
                 */
                wait?: string;
            };
            header?: never;
            path: {
                /** @description The job */
                id: components["schemas"]["JobId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The job */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobDetail"];
                };
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    delete_job: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The job */
                id: components["schemas"]["JobId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is gone */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    change_job: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The job */
                id: components["schemas"]["JobId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ChangeJob"];
            };
        };
        responses: {
            /** @description The job as it is now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    cancel_job: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The job */
                id: components["schemas"]["JobId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The job as it is now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    follow_job: {
        parameters: {
            query?: never;
            header?: {
                /** @description Go on after this event */
                "Last-Event-ID"?: string | null;
            };
            path: {
                /** @description The job */
                id: components["schemas"]["JobId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Events */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": string;
                };
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_job_preview: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The job */
                id: components["schemas"]["JobId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The newest preview */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "image/jpeg": number[];
                };
            };
            /** @description There is none now */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    retry_job: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The job */
                id: components["schemas"]["JobId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The job, queued */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_keys: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The keys, by name */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["KeyRecord"][];
                };
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    create_key: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CreateKey"];
            };
        };
        responses: {
            /** @description The key, shown once */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NewKey"];
                };
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    revoke_key: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Whose key it is */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It lets nobody in any more */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_models: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The models */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Models"];
                };
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    import_model: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ImportModel"];
            };
        };
        responses: {
            /** @description It is copied */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ModelOperation"];
                };
            };
            /** @description Something else is done with a model of this name or path */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The file can't be taken in so */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    delete_model: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The model's name in the catalogue */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Its files are gone */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Jobs or engines need it, or something else is done with its files */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    pull_model: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The model's name in the catalogue */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is coming */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ModelOperation"];
                };
            };
            /** @description Something else is done with its files */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    cancel_model_pull: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The model's name in the catalogue */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is cancelled */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ModelOperation"];
                };
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    verify_model: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The model's name in the catalogue */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is read */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ModelOperation"];
                };
            };
            /** @description Something else is done with its files */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_pauses: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Every pause that is in force */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PauseRecord"][];
                };
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    pause: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PauseRequest"];
            };
        };
        responses: {
            /** @description The pause */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PauseRecord"];
                };
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    resume: {
        parameters: {
            query: {
                /** @description How much is stopped. */
                scope: "queue" | "owner" | "preset" | "device";
                /** @description Which owner, preset or device; absent for the queue. */
                name?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It goes on */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_presets: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The presets */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PresetRecord"][];
                };
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    show_preset: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The preset's name */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The preset */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PresetRecord"];
                };
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    put_preset: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The preset's name; the body may leave it out */
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Preset"];
            };
        };
        responses: {
            /** @description Replaced, or so already */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PresetPut"];
                };
            };
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PresetPut"];
                };
            };
            /** @description A field is unknown, missing or not allowed */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    delete_preset: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The preset's name */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It takes no jobs any more */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Unfinished jobs name it */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_prompt_templates: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The templates, by category and label */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TemplateRecord"][];
                };
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    put_prompt_template: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description 1 to 64 of a–z, 0–9, `.`, `_` and `-`, a letter or digit first */
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PutTemplate"];
            };
        };
        responses: {
            /** @description Changed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TemplateRecord"];
                };
            };
            /** @description Made */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TemplateRecord"];
                };
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    delete_prompt_template: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The template's name */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is gone */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    show_queue: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The queue */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["QueueView"];
                };
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    show_activity: {
        parameters: {
            query?: {
                /** @description Count by this. */
                by?: "preset" | "device" | "worker" | "owner";
                /** @description How far to look back, minutes. */
                minutes?: number;
                /** @description This kind. */
                kind?: components["schemas"]["JobKind"];
                /** @description This preset. */
                preset?: string;
                /** @description This owner. */
                owner?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What ended */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Activity"];
                };
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    unload_model: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The loaded model */
                id: components["schemas"]["ResidentId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is being unloaded */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description A job has it, or it still loads */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    show_settings: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Your settings */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OwnerSettings"];
                };
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    change_settings: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ChangeSettings"];
            };
        };
        responses: {
            /** @description Your settings */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OwnerSettings"];
                };
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_tag_aliases: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The aliases, by name */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AliasRecord"][];
                };
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    put_tag_alias: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The tag that is not to be written any more */
                alias: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PutTagAlias"];
            };
        };
        responses: {
            /** @description The alias */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AliasRecord"];
                };
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    delete_tag_alias: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description As the list has it */
                alias: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is no alias any more */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    add_upload: {
        parameters: {
            query?: {
                /** @description A picture is kept in colours, a mask in grey. */
                kind?: components["schemas"]["UploadKind"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description The file, whatever its declared type */
        requestBody: {
            content: {
                "application/octet-stream": number[];
            };
        };
        responses: {
            /** @description Kept */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Upload"];
                };
            };
            /** @description More bytes than `api.max_upload_bytes` */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description No picture, a broken or a too large one */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_wildcards: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The wildcards, by name */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Wildcard"][];
                };
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_workers: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The workers */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WorkerRecord"][];
                };
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    drain_worker: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The worker */
                id: components["schemas"]["WorkerId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The worker as it is now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WorkerRecord"];
                };
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    forget_worker: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The worker */
                id: components["schemas"]["WorkerId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The worker, with nothing booked */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WorkerRecord"];
                };
            };
            /** @description The request was not served */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
}

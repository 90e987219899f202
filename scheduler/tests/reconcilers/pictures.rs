//! What a worker does with a picture: announce its file, put it, commit it.

use std::path::PathBuf;

use mystic_domain::{Fence, ImageId, JobId, PhaseTimes, WorkerId, file_path};
use mystic_scheduler::reconcilers::Reconcile;
use mystic_store::{Committed, NewImage, Store};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};

use crate::support::Stack;

/// What every file of these tests holds.
pub const CONTENT: &str = "png";

/// A running job whose pictures are put one by one.
#[derive(Clone)]
pub struct Painter {
    store: Store,
    outputs: PathBuf,
    worker: WorkerId,
    job: JobId,
    fence: Fence,
}

impl Painter {
    /// Begins a job of so many pictures.
    pub async fn start(stack: &Stack, pictures: u32) -> Self {
        let worker = stack.worker(8192, 1).await;
        let job = stack.submit_pictures(pictures).await;
        stack.dispatch().run().await.expect("dispatched");
        let fence = stack.job(job).await.fence;
        let claimed = stack.store.claim(worker, job, fence).await;
        assert!(claimed.expect("claimed").is_some());
        Self {
            store: stack.store.clone(),
            outputs: stack.outputs.path().to_owned(),
            worker,
            job,
            fence,
        }
    }

    /// Makes a picture of one file, again from the beginning for as long as the file is being deleted.
    pub async fn paint(&self, index: i32, sha256: &str) {
        let files = LocalFileSystem::new_with_prefix(&self.outputs).expect("a directory");
        let path = Path::from(file_path(sha256));
        let new = NewImage {
            id: ImageId::generate(),
            job: self.job,
            fence: self.fence,
            worker: self.worker,
            index,
            seed: 1,
            width: 128,
            height: 128,
            sha256: sha256.into(),
            thumb_sha256: sha256.into(),
            pixels_sha256: sha256.into(),
            times: PhaseTimes::default(),
            provenance: mystic_testkit::provenance(),
        };
        loop {
            let bytes = CONTENT.len() as u64;
            if !self.store.stage_file(sha256, bytes).await.expect("staged") {
                tokio::task::yield_now().await;
                continue;
            }
            let content = PutPayload::from_static(CONTENT.as_bytes());
            files.put(&path, content).await.expect("put");
            match self.store.commit_image(&new).await.expect("answered") {
                Committed::New => return,
                Committed::FilesGone => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

/// The name of some content, new with each call.
pub fn sha256() -> String {
    let half = || JobId::generate().0.simple().to_string();
    // What comes last differs most, and names the folder.
    let (first, second) = (half(), half());
    first.chars().rev().chain(second.chars()).collect()
}

impl Stack {
    /// Where a file has its place.
    pub fn place(&self, sha256: &str) -> PathBuf {
        self.outputs.path().join(file_path(sha256))
    }
}

/// Writes a file, and makes the directories that lead to it.
pub fn write(path: &std::path::Path, content: &str) {
    std::fs::create_dir_all(path.parent().expect("a directory")).expect("made");
    std::fs::write(path, content).expect("written");
}

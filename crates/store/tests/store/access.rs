//! Machines that share no directory with the API: what their roles may do, and how long their tokens are good.
//! That they may do all that a worker does is shown by `histories`, where each worker's call is made under such a role.

use std::time::Duration;

use mystic_domain::{ContextPlan, EngineKind, JobState, Mib, WorkerId};
use mystic_store::{
    Bearer, Beat, Committed, DeviceTelemetry, Grant, Issued, Machine, Outcome, Settled, StoreError,
};
use sqlx::error::DatabaseError;

use crate::support::{TAGGER, World, load, new_job, secret};

const HOUR: Duration = Duration::from_hours(1);

#[tokio::test]
async fn a_worker_s_life_from_its_start_to_its_end_is_within_its_role() {
    let world = World::new().await;
    let (_, theirs) = world.let_in().await;
    theirs.store.check_schema().await.expect("known");
    for engine in EngineKind::ALL {
        let presets = theirs.store.presets_of(engine).await;
        assert_eq!(presets.expect("presets").len(), 1);
    }
    let worker = theirs.worker().await;
    let job = world.submit_pictures(1).await;
    let lease = world.lease(&worker, job).await;
    let claimed = theirs.store.claim(worker.id, job, lease.fence).await;
    let claimed = claimed.expect("answered").expect("claimed");
    assert_eq!(claimed.context, ContextPlan::Default);
    let (id, resident) = (worker.id, lease.resident);
    let started = theirs.store.resident_started(id, resident, 7).await;
    started.expect("noted");
    assert!(
        theirs
            .store
            .resident_ready(id, resident)
            .await
            .expect("ready")
    );
    let beat = Beat {
        worker: id,
        device: worker.device.clone(),
        held: vec![(job, lease.fence)],
        telemetry: DeviceTelemetry {
            lost: Some(false),
            ..DeviceTelemetry::default()
        },
        residents: vec![(resident, Mib(50))],
    };
    assert!(theirs.store.beat(&beat).await.expect("heard").known);
    let new = theirs.staged(&worker, lease, 0).await;
    let committed = theirs.store.commit_image(&new).await;
    assert_eq!(committed.expect("answered"), Committed::New);
    for _ in 0..2 {
        let settled = theirs.settle(&worker, lease, &Outcome::Succeeded, true);
        assert_eq!(settled.await, Settled::Done(JobState::Succeeded));
    }

    let tagging = world.store.jobs_of_images(&[new.id]).await.expect("jobs")[0].id;
    let grant = Grant {
        preset: TAGGER.into(),
        turns: 0,
        ..load(&worker, tagging)
    };
    let tagging = world.grant(&grant).await.expect("granted");
    let claimed = theirs.store.claim(id, tagging.job, tagging.fence).await;
    assert!(claimed.expect("answered").is_some());
    let file = theirs.store.image_file(new.id).await.expect("read");
    assert_eq!(file.as_ref(), Some(&new.sha256));
    let tagged = Outcome::Seen(vec![("red circle".into(), 0.9)]);
    let settled = theirs.settle(&worker, tagging, &tagged, false).await;
    assert_eq!(settled, Settled::Done(JobState::Succeeded));
    let gone = theirs.store.child_gone(id, tagging.resident).await;
    gone.expect("heard");
    let image = world.store.image(new.id).await.expect("read");
    assert_eq!(image.expect("a picture").tags[0].name, "red circle");
    theirs.store.drain(id).await.expect("noted");
    theirs.store.gone(id).await.expect("heard");
    world.assert_ledger().await;
}

#[tokio::test]
async fn a_worker_s_role_may_do_nothing_else() {
    let world = World::new().await;
    let (machine, theirs) = world.let_in().await;
    let worker = theirs.worker().await;
    let lease = world.run(&worker, world.submit_pictures(1).await).await;
    let new = theirs.staged(&worker, lease, 0).await;
    theirs.store.commit_image(&new).await.expect("committed");
    for statement in [
        "SELECT name FROM api_keys",
        "SELECT name FROM join_keys",
        "SELECT hash FROM worker_tokens",
        "INSERT INTO api_keys (name, hash) VALUES ('me', sha256('x'))",
        "INSERT INTO join_keys (name, hash) VALUES ('me', sha256('x'))",
        "UPDATE join_keys SET revoked_at = NULL",
        "UPDATE leader SET epoch = epoch + 1",
        "UPDATE presets SET spec = '{}'",
        "DELETE FROM presets",
        "DELETE FROM jobs",
        "UPDATE jobs SET priority = 100",
        "UPDATE jobs SET owner = 'me'",
        "UPDATE jobs SET params = '{}'",
        "UPDATE jobs SET fence = fence + 1",
        "UPDATE jobs SET cancel_requested_at = now()",
        "UPDATE jobs SET device_id = 'mine'",
        "SELECT data FROM job_events",
        "DELETE FROM job_events",
        "DELETE FROM job_attempts",
        "DELETE FROM workers",
        "UPDATE workers SET host = 'mine'",
        "DELETE FROM devices",
        "INSERT INTO leases SELECT * FROM leases",
        "UPDATE leases SET working_mib = 0",
        "INSERT INTO residents SELECT * FROM residents",
        "UPDATE residents SET booked_mib = 0",
        "DELETE FROM images",
        "UPDATE images SET owner = 'me'",
        "SELECT prompt FROM images",
        "DELETE FROM image_files",
        "UPDATE image_files SET bytes = 1",
        "DELETE FROM tags",
        "UPDATE image_tags SET source = 'user'",
        "UPDATE _sqlx_migrations SET success = false",
        "TRUNCATE jobs",
        "ALTER TABLE jobs DISABLE ROW LEVEL SECURITY",
        "CREATE TABLE mine (id int)",
        "CREATE ROLE mine",
        "SELECT mystic_grant_access('mine', 'x')",
        "SELECT mystic_revoke_access('mine')",
        "SELECT pg_read_file('PG_VERSION')",
    ] {
        let done = sqlx::raw_sql(statement).execute(theirs.store.pool()).await;
        let refused = done.expect_err(statement);
        let code = refused.as_database_error().and_then(DatabaseError::code);
        assert_eq!(code.as_deref(), Some("42501"), "{statement}: {refused}");
    }
    let mut child = new_job(0);
    child.parent_image = Some(new.id);
    for job in [new_job(1), child] {
        let submitted = theirs.store.submit(&job).await;
        assert!(matches!(submitted, Err(StoreError::Database(_))));
        assert!(world.store.job(job.id).await.expect("read").is_none());
    }
    assert!(theirs.store.cancel(lease.job).await.is_err());
    assert!(theirs.store.grant(&load(&worker, lease.job)).await.is_err());
    assert!(theirs.store.create_key("me", secret()).await.is_err());
    assert!(theirs.store.revoke_access(&machine).await.is_err());

    // A user's own tags are not a model's to replace.
    let image = new.id.0;
    for statement in [
        "INSERT INTO tags (name) VALUES ('mine')",
        "INSERT INTO image_tags (image_id, tag_id, source, confidence, position)
         SELECT images.id, tags.id, 'user', 1, 0 FROM images, tags",
    ] {
        let written = sqlx::raw_sql(statement).execute(world.store.pool()).await;
        written.expect(statement);
    }
    sqlx::query("DELETE FROM image_tags WHERE image_id = $1")
        .bind(image)
        .execute(theirs.store.pool())
        .await
        .expect("nothing to delete");
    let image = world.store.image(new.id).await.expect("read");
    assert_eq!(image.expect("a picture").tags.len(), 1);
}

#[tokio::test]
async fn rights_are_granted_again_and_by_many_at_once() {
    let (one, two) = tokio::join!(World::new(), World::new());
    let rights = |world: &World| {
        let store = world.store.clone();
        tokio::spawn(async move { store.grant_rights().await })
    };
    let granting: Vec<_> = (0..8).flat_map(|_| [rights(&one), rights(&two)]).collect();
    for granted in granting {
        assert!(granted.await.expect("it ran").expect("granted"));
    }
}

#[tokio::test]
async fn a_user_who_may_not_make_roles_changes_nothing_and_is_told() {
    let world = World::new().await;
    let (machine, theirs) = world.let_in().await;
    assert!(!theirs.store.grant_rights().await.expect("answered"));
    let refused = theirs
        .store
        .grant_access(&machine, "x", secret(), None)
        .await;
    assert!(refused.is_err());
    theirs.store.check_schema().await.expect("rights as before");
}

#[tokio::test]
async fn a_machine_is_let_in_once_and_sent_away_with_its_sessions() {
    let world = World::new().await;
    let (machine, theirs) = world.let_in().await;
    theirs.store.ping().await.expect("it is in");
    let twice = world.store.grant_access(&machine, "x", secret(), None);
    assert!(matches!(twice.await, Err(StoreError::Exists(_))));
    let worker = world.worker().await.id;
    let token = secret();
    let key = secret();
    assert!(
        world
            .store
            .revoke_access(&machine)
            .await
            .expect("sent away")
    );
    assert!(theirs.store.ping().await.is_err());
    assert!(!world.store.revoke_access(&machine).await.expect("answered"));

    let role = world
        .store
        .grant_access(&machine, "x", key, Some(HOUR))
        .await;
    let again = world.seen_by(&role.expect("let in again"));
    again.check_schema().await.expect("it is in");
    let issued = world.store.issue_token(key, worker, token, HOUR).await;
    assert_eq!(issued.expect("answered"), Issued::Done);
    let listed = world.store.machines().await.expect("machines");
    assert_eq!(
        (listed[0].name.as_str(), listed[0].tokens),
        (&*machine.to_string(), 1)
    );
    assert!(listed[0].expires_at.is_some() && listed[0].revoked_at.is_none());
    assert!(
        world
            .store
            .revoke_access(&machine)
            .await
            .expect("sent away")
    );
    let bearer = world.store.token_bearer(token).await.expect("answered");
    assert_eq!(bearer, Bearer::Nobody);
}

#[tokio::test]
async fn a_token_is_followed_by_the_next_and_ends_when_it_should() {
    let world = World::new().await;
    let (machine, _) = world.let_in().await;
    world
        .store
        .revoke_access(&machine)
        .await
        .expect("sent away");
    let key = secret();
    let granted = world.store.grant_access(&machine, "x", key, None).await;
    granted.expect("let in");
    let worker = world.worker().await.id;
    let [first, second, third] = [secret(), secret(), secret()];
    let issue = async |worker, token, life| {
        let issued = world.store.issue_token(key, worker, token, life).await;
        issued.expect("answered")
    };
    let bearer = async |token| world.store.token_bearer(token).await.expect("answered");
    let rotate = async |old, new, overlap| {
        let rotated = world.store.rotate_token(old, new, HOUR, overlap).await;
        rotated.expect("answered")
    };
    assert_eq!(
        issue(WorkerId::generate(), first, HOUR).await,
        Issued::NoWorker
    );
    assert_eq!(issue(worker, first, HOUR).await, Issued::Done);
    assert_eq!(rotate(first, second, HOUR).await, Bearer::Worker(worker));
    assert_eq!(bearer(first).await, Bearer::Worker(worker));
    assert_eq!(
        rotate(second, third, Duration::ZERO).await,
        Bearer::Worker(worker)
    );
    assert_eq!(bearer(second).await, Bearer::Nobody);
    assert_eq!(rotate(second, secret(), HOUR).await, Bearer::Nobody);
    assert_eq!(bearer(third).await, Bearer::Worker(worker));
    let expired = secret();
    assert_eq!(issue(worker, expired, Duration::ZERO).await, Issued::Done);
    assert_eq!(bearer(expired).await, Bearer::Nobody);

    world.store.gone(worker).await.expect("heard");
    assert_eq!(bearer(third).await, Bearer::Gone(worker));
    assert_eq!(rotate(third, secret(), HOUR).await, Bearer::Gone(worker));
    assert_eq!(issue(worker, secret(), HOUR).await, Issued::Gone);
}

#[test]
fn a_machine_s_name_is_plain() {
    for good in ["w1", "studio", "a-b_c", &"a".repeat(40)] {
        assert!(good.parse::<Machine>().is_ok(), "{good}");
    }
    for bad in [
        "",
        "1a",
        "Studio",
        "a b",
        "a;b",
        "a\"b",
        "é",
        &"a".repeat(41),
    ] {
        assert!(bad.parse::<Machine>().is_err(), "{bad}");
    }
}

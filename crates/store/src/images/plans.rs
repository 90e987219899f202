//! How Postgres goes about what the gallery asks, on tables that are large enough for it to matter.

use mystic_testkit::{Postgres, seed_gallery};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::ImageFilter;
use super::facets::{COUNT, COUNTED};
use super::filter::{Place, Values};
use super::kin::ALIKE;
use super::read::{BEST, PAGE, RANKED};
use crate::Store;

/// So many that the planner prefers what it prefers at hundreds of thousands.
const PICTURES: i32 = 20_000;

/// What a statement reads, from the first node of its plan to the last.
async fn reads(
    store: &Store,
    statement: &'static str,
    filter: &ImageFilter,
    after: Option<Place>,
) -> String {
    let mut values = Values(store.matching(filter, after).await.expect("known"));
    match statement {
        PAGE => values.add(51_i64),
        BEST => values.add(51_i64).and_then(|()| values.add(RANKED)),
        _ => values.add(COUNTED).and_then(|()| values.add(100_i64)),
    }
    .expect("numbers");
    let explained = AssertSqlSafe(format!("EXPLAIN (COSTS OFF) {statement}"));
    let plan: Vec<String> = sqlx::query_scalar_with(explained, values.0)
        .persistent(false)
        .fetch_all(&store.pool)
        .await
        .expect("explained");
    let reads = plan.iter().filter_map(|line| {
        let node = line.trim_start_matches([' ', '-', '>']);
        let (how, what) = node
            .split_once(" Scan using ")
            .or(node.split_once(" Scan on "))?;
        let what = what.split(' ').next()?;
        // What is in memory already is no table.
        (what != "matching" && how != "Subquery").then(|| format!("{how} of {what}"))
    });
    reads.collect::<Vec<_>>().join(", ")
}

#[tokio::test]
async fn no_list_search_or_count_reads_the_whole_table() {
    let postgres = Postgres::start().await;
    let store = Store::connect(&postgres.url(), 2).expect("a URL");
    seed_gallery(store.pool(), PICTURES).await;
    let all = ImageFilter::default();
    let half = store.image_places(&all, None, i64::from(PICTURES) / 2);
    let deep = half.await.expect("listed").pop();
    let text = |words: &str| ImageFilter {
        text: Some(words.into()),
        ..ImageFilter::default()
    };
    let tags = |numbers: [u32; 3]| ImageFilter {
        tags: numbers.map(|n| format!("tag {n}")).into(),
        ..ImageFilter::default()
    };
    let words: Vec<String> = sqlx::query_scalar(
        "SELECT word FROM ts_stat('SELECT search FROM images') WHERE nentry > 0 AND word NOT IN ('tag', 'blurri', 'qualiti')
         AND word !~ '[0-9]' ORDER BY ndoc DESC",
    )
    .fetch_all(store.pool())
    .await
    .expect("words");
    let (frequent, rare) = (text(&words[1]), text(&words[words.len() / 2]));
    // The most frequent ones cost the same by either way, so that chance decides there.
    let common = tags([2, 4, 6]);
    let seldom = tags([1, 40, 300]);
    let one = ImageFilter {
        tags: vec!["tag 1".into()],
        ..ImageFilter::default()
    };
    let walk = "Index Only of images_newest, Index of images_pkey";
    let walk_rows = "Index of images_newest, Index of images_pkey";
    let by_text = "Bitmap Heap of images, Bitmap Index of images_by_search, Index of images_pkey";
    let by_tags = "Bitmap Heap of images, Bitmap Index of images_by_tags, Index of images_pkey";
    let count = "Index Only of images_newest, Function of unnest, Index of tags_pkey";
    let count_text = "Bitmap Heap of images, Bitmap Index of images_by_search, Function of unnest, Index of tags_pkey";
    let count_tags = "Bitmap Heap of images, Bitmap Index of images_by_tags, Function of unnest, Index of tags_pkey";
    for (name, statement, filter, after, plan) in [
        ("list", PAGE, &all, None, walk),
        ("list, halfway", PAGE, &all, deep, walk),
        ("frequent word", PAGE, &frequent, None, walk_rows),
        ("frequent word, halfway", PAGE, &frequent, deep, walk_rows),
        ("rare word", PAGE, &rare, None, by_text),
        ("frequent tag", PAGE, &one, None, walk),
        ("three frequent tags", PAGE, &common, None, by_tags),
        ("three tags", PAGE, &seldom, None, by_tags),
        ("three tags, halfway", PAGE, &seldom, deep, by_tags),
        ("best of a frequent word", BEST, &frequent, None, walk_rows),
        ("best of a rare word", BEST, &rare, None, by_text),
        ("facets", COUNT, &all, None, count),
        ("facets of a rare word", COUNT, &rare, None, count_text),
        ("facets of three tags", COUNT, &seldom, None, count_tags),
    ] {
        let seen = reads(&store, statement, filter, after).await;
        assert_eq!(seen, plan, "{name}");
    }
    alike(&store).await;
}

/// What is like a picture is found by the bands of its prompt, and by its tags.
async fn alike(store: &Store) {
    let explained = AssertSqlSafe(format!("EXPLAIN (COSTS OFF) {ALIKE}"));
    let (id, prompt, tags, likeness): (Uuid, String, Vec<i64>, Vec<i32>) =
        sqlx::query_as("SELECT id, prompt, tag_ids, likeness FROM images WHERE seed = 77")
            .fetch_one(&store.pool)
            .await
            .expect("a picture");
    let plan: Vec<String> = sqlx::query_scalar(explained)
        .bind(id)
        .bind(prompt)
        .bind(tags)
        .bind(200_i64)
        .bind(50_i64)
        .bind(likeness)
        .persistent(false)
        .fetch_all(&store.pool)
        .await
        .expect("explained");
    let plan = plan.join("\n");
    assert!(
        plan.contains("Bitmap Index Scan on images_by_likeness"),
        "{plan}"
    );
    assert!(!plan.contains("Seq Scan on images"), "{plan}");
}

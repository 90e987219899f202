//! How long the gallery's questions take with 200,000 pictures and 1,000,000 tags on them, on a real Postgres: through the
//! store, as the API asks, on the first page and on the thousandth of the whole gallery. `--pictures N` and `--rounds N`
//! for others. What is searched for is drawn from the pictures themselves, so that frequent words and tags are asked for
//! as often as they are there. The last line is JSON: the 95th percentile of each question in milliseconds.

use mystic_domain::ImageId;
use mystic_store::{ImageFilter, Place, Store};
use mystic_testkit::{Postgres, seed_gallery};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

const PAGE: i64 = 50;
/// Pictures before the thousandth page.
const SKIPPED: i64 = 999 * PAGE;
/// Rounds before the clock counts, so that caches are as warm as in use.
const WARM_UP: usize = 10;

#[tokio::main]
async fn main() {
    let pictures = argument("--pictures", 200_000);
    let rounds = usize::try_from(argument("--rounds", 200)).expect("a number of rounds");
    let postgres = Postgres::start().await;
    let store = Store::connect(&postgres.url(), 2).expect("a URL");
    let start = Instant::now();
    seed_gallery(store.pool(), pictures).await;
    let (images, tags): (i64, i64) =
        sqlx::query_as("SELECT (SELECT count(*) FROM images), (SELECT count(*) FROM image_tags)")
            .fetch_one(store.pool())
            .await
            .expect("counted");
    let took = start.elapsed();
    println!("{images} pictures, {tags} tags on them, made in {took:.0?}");
    let deep: Option<Place> = sqlx::query_as(
        "SELECT created_at, id FROM images ORDER BY created_at DESC, id DESC OFFSET $1 LIMIT 1",
    )
    .bind(SKIPPED.min(images / 2))
    .fetch_optional(store.pool())
    .await
    .expect("found");
    let bench = Bench { store, pictures };

    let mut figures = Map::new();
    for (name, question) in [
        ("list", Question::All),
        ("text", Question::Text),
        ("three_tags", Question::ThreeTags),
    ] {
        for (page, after) in [("page_1", None), ("page_1000", deep)] {
            let mut times = Vec::new();
            for round in 0..WARM_UP + rounds {
                let (_, filter) = bench.ask(question, round).await;
                let start = Instant::now();
                let listed = bench.store.images(&filter, after, PAGE + 1).await;
                note(&mut times, round, start);
                listed.expect("listed");
            }
            tell(&mut figures, &format!("{name}_{page}"), times);
        }
    }
    for (name, question) in [
        ("facets", Question::All),
        ("facets_of_text", Question::Text),
        ("facets_of_three_tags", Question::ThreeTags),
    ] {
        let mut times = Vec::new();
        for round in 0..WARM_UP + rounds {
            let (_, filter) = bench.ask(question, round).await;
            let start = Instant::now();
            let counted = bench.store.facets(&filter).await;
            note(&mut times, round, start);
            counted.expect("counted");
        }
        tell(&mut figures, name, times);
    }
    let (mut ranking, mut comparing) = (Vec::new(), Vec::new());
    for round in 0..WARM_UP + rounds {
        let (id, filter) = bench.ask(Question::Text, round).await;
        let start = Instant::now();
        let ranked = bench.store.best_images(&filter, PAGE).await;
        note(&mut ranking, round, start);
        ranked.expect("ranked");
        let start = Instant::now();
        let alike = bench.store.similar_images(id, PAGE).await;
        note(&mut comparing, round, start);
        alike.expect("compared");
    }
    tell(&mut figures, "relevance", ranking);
    tell(&mut figures, "similar", comparing);
    println!("{}", Value::Object(figures));
}

#[derive(Clone, Copy)]
enum Question {
    All,
    Text,
    ThreeTags,
}

struct Bench {
    store: Store,
    pictures: i32,
}

impl Bench {
    /// What somebody asks who has one of the pictures in mind, always the same in the same round; and that picture.
    async fn ask(&self, question: Question, round: usize) -> (ImageId, ImageFilter) {
        let mut random = StdRng::seed_from_u64(round as u64);
        let (id, prompt, tags): (_, String, Vec<String>) = sqlx::query_as(
            "SELECT id, prompt, (SELECT array_agg(name) FROM tags WHERE id = ANY (tag_ids)) FROM images WHERE seed = $1",
        )
        .bind(i64::from(random.random_range(1..=self.pictures)))
        .fetch_one(self.store.pool())
        .await
        .expect("a picture");
        let mut filter = ImageFilter::default();
        match question {
            Question::All => {}
            Question::Text => {
                let words: Vec<&str> = prompt.split(' ').collect();
                let wanted = random.random_range(1..=2);
                let said = words.choose_multiple(&mut random, wanted);
                filter.text = Some(said.copied().collect::<Vec<_>>().join(" "));
            }
            Question::ThreeTags => {
                filter.tags = tags.choose_multiple(&mut random, 3).cloned().collect();
            }
        }
        (ImageId(id), filter)
    }
}

fn note(times: &mut Vec<f64>, round: usize, start: Instant) {
    if round >= WARM_UP {
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
}

/// Says how long a question took, and keeps the 95th percentile.
fn tell(figures: &mut Map<String, Value>, name: &str, mut times: Vec<f64>) {
    times.sort_unstable_by(f64::total_cmp);
    let at = |percent: usize| (times[(times.len() - 1) * percent / 100] * 100.0).round() / 100.0;
    let (p50, p95, most) = (at(50), at(95), at(100));
    println!("{name:24} p50 {p50:7.2} ms, p95 {p95:7.2} ms, most {most:7.2} ms");
    figures.insert(format!("{name}_p95_ms"), json!(p95));
}

fn argument(name: &str, default: i32) -> i32 {
    let arguments: Vec<String> = std::env::args().collect();
    let at = arguments.iter().position(|argument| argument == name);
    at.and_then(|at| arguments.get(at + 1))
        .map_or(default, |value| value.parse().expect("a number"))
}

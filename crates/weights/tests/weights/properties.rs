//! What holds of any header and of any broken one. `HEADERS` is how many are tried of each (10,000).

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::BTreeSet;

use mystic_weights::{Header, Problem};
use proptest::prelude::*;
use proptest::test_runner::Config;

use crate::breaks::any_break;
use crate::sketch::{Entry, Planned, Sketch, language, parse};

const HEADERS: u32 = 10_000;

#[expect(
    clippy::disallowed_methods,
    reason = "how long to look is the caller's choice"
)]
fn config() -> Config {
    let said = std::env::var("HEADERS").ok();
    let cases = said.map_or(HEADERS, |n| n.parse().expect("HEADERS is a number"));
    Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    }
}

/// Counts what each thread holds.
struct Counting;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static MOST: Cell<isize> = const { Cell::new(0) };
}

fn count(bytes: isize) {
    let held = HELD.get() + bytes;
    HELD.set(held);
    MOST.set(MOST.get().max(held));
}

// SAFETY: everything is handed to the system's allocator as it came; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size().cast_signed());
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        count(-layout.size().cast_signed());
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Reads a header, and tells how many bytes were held at most meanwhile.
fn measured(file: &[u8]) -> (Result<Header, Problem>, usize) {
    let before = HELD.get();
    MOST.set(before);
    let read = parse(file);
    let most = MOST.get() - before;
    (read, most.cast_unsigned())
}

/// The bound: some bytes for each of the header's, and a little for what is said of it.
fn bound(file: &[u8]) -> usize {
    24 * file.len() + (16 << 10)
}

/// Types that both formats know by these names.
const BOTH: [u32; 7] = [0, 1, 24, 25, 26, 27, 30];
/// Those of GGUF alone whose blocks are short.
const BLOCKS: [u32; 5] = [2, 3, 8, 20, 39];

fn any_tensor(blocks: bool) -> impl Strategy<Value = Planned> {
    let part = prop::sample::select(vec![
        "model.diffusion_model.",
        "first_stage_model.",
        "text_encoders.",
        "blk.0.",
        "blk.1.",
        "",
    ]);
    let types = if blocks {
        [&BOTH[..], &BLOCKS[..]].concat()
    } else {
        BOTH.to_vec()
    };
    let shape = prop::collection::vec(1..5_u64, 0..5);
    (part, "[a-z_.é]{1,12}", prop::sample::select(types), shape).prop_map(
        |(part, name, dtype, mut shape)| {
            if BLOCKS.contains(&dtype) {
                shape.push(32);
            }
            let name = format!("{part}{name}");
            Planned { name, dtype, shape }
        },
    )
}

fn any_entry() -> impl Strategy<Value = Entry> {
    prop_oneof![
        any::<i8>().prop_map(Entry::Byte),
        (0..5_u32).prop_map(Entry::Number),
        any::<u64>().prop_map(Entry::Large),
        any::<bool>().prop_map(Entry::Truth),
        ".{0,20}".prop_map(Entry::Text),
        prop::collection::vec(0..5_u32, 0..5).prop_map(Entry::Numbers),
        prop::collection::vec(".{0,5}", 0..5).prop_map(Entry::Texts),
    ]
}

fn any_sketch(blocks: bool) -> impl Strategy<Value = Sketch> {
    let entries = prop::collection::btree_map("[a-z.]{1,12}", any_entry(), 0..5);
    let tensors = prop::collection::vec(any_tensor(blocks), 1..6);
    (entries, tensors).prop_map(|(entries, mut tensors)| {
        let mut names = BTreeSet::new();
        tensors.retain(|tensor| names.insert(tensor.name.clone()));
        Sketch {
            entries: entries.into_iter().collect(),
            tensors,
        }
    })
}

/// A file of either format, and where its header ends.
fn any_file() -> impl Strategy<Value = (Vec<u8>, usize)> {
    prop_oneof![
        3 => (any_sketch(true), 2..4_u32).prop_map(|(sketch, version)| sketch.gguf(version)),
        2 => (1..4_u32).prop_map(|layers| language(layers).gguf(3)),
        3 => any_sketch(false).prop_map(|sketch| sketch.safetensors()),
    ]
}

/// What a header says of its file adds up.
fn consistent(header: &Header, len: u64) -> Result<(), TestCaseError> {
    let mut names = BTreeSet::new();
    for tensor in &header.tensors {
        prop_assert!(names.insert(&tensor.name));
        let elements = tensor
            .shape
            .iter()
            .try_fold(1_u64, |all, n| all.checked_mul(*n));
        prop_assert_eq!(
            elements.and_then(|all| tensor.dtype.size(all)),
            Some(tensor.bytes)
        );
    }
    let taken = header
        .tensors
        .iter()
        .try_fold(0_u64, |all, tensor| all.checked_add(tensor.bytes));
    prop_assert_eq!(
        taken.and_then(|all| all.checked_add(header.other_bytes)),
        Some(len)
    );
    prop_assert!(header.other_bytes > 8);
    prop_assert_eq!(header.modules().total(), header.tensor_bytes());
    let _ = header.architecture();
    let model = header.language_model();
    if let Err(problem) = &model {
        sayable(problem)?;
    }
    if let Ok(model) = model {
        prop_assert_eq!(model.layer_bytes.len(), model.layers as usize);
        let layers: u64 = model.layer_bytes.iter().sum();
        prop_assert_eq!(layers + model.outside_bytes, header.tensor_bytes());
        prop_assert!(model.layers > 0 && model.context > 0);
    }
    Ok(())
}

/// A problem is a line that a log and a table take, whatever the file says.
fn sayable(problem: &Problem) -> Result<(), TestCaseError> {
    let said = problem.to_string();
    prop_assert!(
        said.len() < 4_000 && !said.contains(char::is_control),
        "{said:?}"
    );
    Ok(())
}

fn as_planned(header: &Header, sketch: &Sketch) -> bool {
    let pairs = || {
        header.tensors.iter().map(|read| {
            let planned = sketch
                .tensors
                .iter()
                .find(|planned| planned.name == read.name)?;
            let same = planned.shape == read.shape
                && planned.dtype().name == read.dtype.name
                && planned.bytes() == read.bytes;
            Some(same)
        })
    };
    header.tensors.len() == sketch.tensors.len() && pairs().all(|same| same == Some(true))
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_header_reads_back_as_it_was_written(
        gguf in any_sketch(true),
        safetensors in any_sketch(false),
        version in 2..4_u32,
    ) {
        for (sketch, (file, _)) in [
            (&gguf, gguf.gguf(version)),
            (&safetensors, safetensors.safetensors()),
        ] {
            let header = parse(&file).map_err(|problem| TestCaseError::fail(problem.to_string()))?;
            prop_assert!(as_planned(&header, sketch), "{header:?}");
            consistent(&header, file.len() as u64)?;
        }
    }

    #[test]
    fn a_broken_header_is_refused_or_adds_up_within_bounds(
        (mut file, end) in any_file(),
        breaks in prop::collection::vec(any_break(), 1..4),
    ) {
        for change in breaks {
            change.apply(&mut file, end);
        }
        let (read, most) = measured(&file);
        prop_assert!(most <= bound(&file), "{most} bytes for a file of {}", file.len());
        match read {
            Ok(header) => consistent(&header, file.len() as u64)?,
            Err(problem) => sayable(&problem)?,
        }
    }

    #[test]
    fn a_file_cut_anywhere_is_refused((file, _) in any_file(), at in any::<prop::sample::Index>()) {
        prop_assert!(parse(&file[..at.index(file.len())]).is_err());
    }
}

#[test]
fn the_largest_header_is_held_within_bounds() {
    let tensors = (0..1 << 14).map(|n| Planned {
        name: n.to_string(),
        dtype: 0,
        shape: vec![1, 1, 1, 1],
    });
    let sketch = Sketch::of(tensors.collect());
    for (file, end) in [sketch.gguf(3), sketch.safetensors()] {
        let (read, most) = measured(&file);
        assert_eq!(read.expect("a header").tensors.len(), 1 << 14);
        assert!(most <= 24 * end, "{most} bytes for a header of {end}");
    }
}

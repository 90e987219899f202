//! What is refused says what was found and what is allowed.

use std::fs;

use mystic_weights::{limits, read};

use crate::sketch::{Entry, F16, F32, Q8_0, Sketch, json_file, language, parse, tensor};

fn refusal(file: &[u8]) -> String {
    parse(file).expect_err("refused").to_string()
}

fn gguf(sketch: &Sketch) -> String {
    refusal(&sketch.gguf(3).0)
}

/// The message for one tensor `a` with these words in its JSON, and so many bytes of data.
fn json(info: &str, data: usize) -> String {
    refusal(&json_file(&format!("{{\"a\":{{{info}}}}}"), data).0)
}

/// A file whose bytes from `at` on are another number.
fn with_number(sketch: &Sketch, at: usize, number: u64) -> Vec<u8> {
    let (mut file, _) = sketch.gguf(3);
    file[at..at + 8].copy_from_slice(&number.to_le_bytes());
    file
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let place = tempfile::tempdir().expect("a directory");
    let path = place.path().join("none.gguf");
    let error = read(&path).expect_err("refused").to_string();
    assert!(
        error.starts_with(&format!("{}: No such file", path.display())),
        "{error}"
    );
    let error = read(place.path()).expect_err("refused").to_string();
    assert_eq!(
        error,
        format!("{}: it is no regular file", place.path().display())
    );
}

#[test]
fn a_file_of_another_format_is_told_by_its_start() {
    let allowed = "allowed: \"GGUF\", or a header's length and \"{\"";
    for (file, start) in [
        (&b""[..], ""),
        (b"GG", "GG"),
        (
            b"PK\x03\x04\0\0\x08\x08\0\0",
            "PK\\x03\\x04\\x00\\x00\\x08\\x08\\x00",
        ),
        (b"version https://git-lfs", "version h"),
    ] {
        let said =
            format!("it is neither GGUF nor safetensors: it starts with \"{start}\"; {allowed}");
        assert_eq!(refusal(file), said);
    }
}

#[test]
fn a_gguf_file_of_another_version_or_byte_order_is_refused() {
    for version in [0, 1, 4, 3_u32.swap_bytes()] {
        let (file, _) = Sketch::named(&["a"]).gguf(version);
        let said = format!("its GGUF version is {version}; allowed: 2 or 3, little-endian");
        assert_eq!(refusal(&file), said);
    }
    for version in [2, 3] {
        parse(&Sketch::named(&["a"]).gguf(version).0).expect("a header");
    }
}

#[test]
fn a_file_cut_off_says_what_is_missing_and_where() {
    let (file, end) = language(2).gguf(3);
    assert_eq!(
        refusal(&file[..file.len() - 1]),
        format!(
            "it is cut off: tensor blk.1.attn_q.weight ends at byte {0}, the file at {1}",
            file.len(),
            file.len() - 1
        )
    );
    assert_eq!(
        refusal(&file[..end - 1]),
        format!(
            "it is cut off: a tensor's place ends at byte {end}, the file at {}",
            end - 1
        )
    );
    let (file, end) = Sketch::named(&["a", "b"]).safetensors();
    assert_eq!(
        refusal(&file[..file.len() - 1]),
        format!(
            "it is cut off: tensor b ends at byte {0}, the file at {1}",
            file.len(),
            file.len() - 1
        )
    );
    assert_eq!(
        refusal(&file[..end - 1]),
        format!(
            "it is cut off: the header ends at byte {end}, the file at {}",
            end - 1
        )
    );
}

#[test]
fn a_file_of_one_part_cut_on_disk_is_refused_by_its_path() {
    let place = tempfile::tempdir().expect("a directory");
    let path = place.path().join("half.safetensors");
    let (file, _) = Sketch::of(vec![tensor("a", F32, &[64])]).safetensors();
    fs::write(&path, &file[..file.len() - 128]).expect("a file");
    let error = read(&path).expect_err("refused").to_string();
    let len = file.len();
    let said = format!(
        "it is cut off: tensor a ends at byte {len}, the file at {}",
        len - 128
    );
    assert_eq!(error, format!("{}: {said}", path.display()));
    fs::write(&path, &file).expect("a file");
    assert_eq!(read(&path).expect("whole").tensor_bytes(), 256);
}

#[test]
fn more_than_any_model_has_is_refused_before_it_is_read() {
    let one = Sketch::named(&["a"]);
    assert_eq!(
        refusal(&with_number(&one, 8, u64::MAX)),
        "tensors: 18446744073709551615; allowed: at most 65536"
    );
    assert_eq!(
        refusal(&with_number(&one, 16, 5000)),
        "metadata entries: 5000; allowed: at most 4096"
    );
    assert_eq!(
        refusal(&with_number(&one, 24, 1 << 40)),
        "a tensor's name: 1099511627776; allowed: at most 256"
    );
    assert_eq!(
        gguf(&Sketch::of(vec![tensor("a", F32, &[1; 9])])),
        "dimensions of tensor a: 9; allowed: at most 8"
    );
    let long = "k".repeat(257);
    assert_eq!(
        gguf(&one.clone().with(&long, Entry::Number(1))),
        "a metadata key: 257; allowed: at most 256"
    );
    let layers = one
        .clone()
        .with("llama.block_count", Entry::Numbers(vec![1; 1025]));
    assert_eq!(
        gguf(&layers),
        "elements of metadata llama.block_count: 1025; allowed: at most 1024"
    );

    let empty = one.clone().with("k", Entry::Texts(Vec::new()));
    // Behind the key and two types.
    let elements = with_number(&empty, 24 + 8 + 1 + 4 + 4, u64::MAX);
    assert_eq!(
        refusal(&elements),
        "elements of a metadata array: 18446744073709551615; allowed: at most 4194304"
    );
    let string = with_number(
        &one.with("k", Entry::Text("v".into())),
        24 + 8 + 1 + 4,
        1 << 33,
    );
    assert_eq!(
        refusal(&string),
        "bytes of a metadata string: 8589934592; allowed: at most 33554432"
    );

    let mut header = json_file("{}", 0).0;
    header[..8].copy_from_slice(&(1_u64 << 62).to_le_bytes());
    assert_eq!(
        refusal(&header),
        "bytes of the header: 4611686018427387904; allowed: at most 16777216"
    );
    let many: Vec<String> = (0..=limits::TENSORS)
        .map(|n| format!("\"{n}\":{{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}"))
        .collect();
    let many = json_file(&format!("{{{}}}", many.join(",")), 0).0;
    assert_eq!(refusal(&many), "tensors: 65537; allowed: at most 65536");
    let entries: Vec<String> = (0..=limits::ENTRIES)
        .map(|n| format!("\"{n}\":\"\""))
        .collect();
    let entries = json_file(
        &format!("{{\"__metadata__\":{{{}}}}}", entries.join(",")),
        0,
    )
    .0;
    assert_eq!(
        refusal(&entries),
        "metadata entries: 4097; allowed: at most 4096"
    );
}

#[test]
fn a_gguf_header_beyond_its_limit_is_refused() {
    let strings = |n| Entry::Texts(vec!["x".repeat(1 << 20); n]);
    let mut sketch = Sketch::named(&["a"]);
    for n in 0..3 {
        sketch = sketch.with(&format!("k{n}"), strings(24));
    }
    let said = gguf(&sketch);
    assert!(
        said.starts_with("bytes of the header up to a metadata string: "),
        "{said}"
    );
    assert!(said.ends_with("; allowed: at most 67108864"), "{said}");
}

#[test]
fn names_are_text_and_unique() {
    let mut twice = Sketch::named(&["a", "b", "a"]);
    assert_eq!(gguf(&twice), "tensor a is there twice; allowed: once");
    twice.tensors.truncate(1);
    let twice = twice
        .with("split.count", Entry::Number(1))
        .with("split.count", Entry::Number(1));
    assert_eq!(
        gguf(&twice),
        "metadata split.count is there twice; allowed: once"
    );
    let info = "{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}";
    let twice = json_file(&format!("{{\"a\":{info},\"a\":{info}}}"), 0).0;
    assert_eq!(refusal(&twice), "tensor a is there twice; allowed: once");
    let twice = json_file("{\"__metadata__\":{},\"__metadata__\":{}}", 0).0;
    assert_eq!(
        refusal(&twice),
        "metadata __metadata__ is there twice; allowed: once"
    );

    let (mut file, _) = Sketch::named(&["abc"]).gguf(3);
    file[24 + 8 + 1] = 0xff;
    assert_eq!(
        refusal(&file),
        "a tensor's name is \"a\\xffc\"; allowed: UTF-8 without control characters"
    );
    let said = "a tensor's name is \"a\\0c\"; allowed: UTF-8 without control characters";
    assert_eq!(gguf(&Sketch::named(&["a\0c"])), said);
    assert_eq!(refusal(&Sketch::named(&["a\0c"]).safetensors().0), said);
}

#[test]
fn metadata_of_no_known_type_is_refused() {
    let (mut file, _) = Sketch::named(&["a"]).with("k", Entry::Number(1)).gguf(3);
    file[24 + 8 + 1] = 13;
    assert_eq!(
        refusal(&file),
        "metadata k is of type 13; allowed: types 0 to 12, and no arrays in an array"
    );
    let (mut file, _) = Sketch::named(&["a"])
        .with("k", Entry::Numbers(vec![1]))
        .gguf(3);
    file[24 + 8 + 1 + 4] = 9;
    assert_eq!(
        refusal(&file),
        "metadata k is an array of type 9; allowed: types 0 to 12, and no arrays in an array"
    );
    for alignment in [0, 24, 1 << 17] {
        let said = gguf(&language(1).with("general.alignment", Entry::Large(alignment)));
        assert_eq!(
            said,
            format!("metadata general.alignment is {alignment}; allowed: a power of 2 up to 65536")
        );
    }
}

#[test]
fn a_tensor_of_an_impossible_type_or_shape_is_refused() {
    let (file, end) = Sketch::of(vec![tensor("a", Q8_0, &[2, 32])]).gguf(3);
    let changed = |at: usize, byte: u8| {
        let mut file = file.clone();
        file[at] = byte;
        refusal(&file)
    };
    // From the header's end backwards: place, type, rows, row.
    assert_eq!(
        changed(end - 12, 4),
        "tensor a has elements of type 4; allowed: the types of ggml"
    );
    let allowed =
        "dimensions from 1, the last a multiple of 32 (Q8_0), less than 2^64 bytes in all";
    assert_eq!(
        changed(end - 20, 0),
        format!("tensor a has the shape [0, 32]; allowed: {allowed}")
    );
    assert_eq!(
        changed(end - 28, 16),
        format!("tensor a has the shape [2, 16]; allowed: {allowed}")
    );
    assert_eq!(
        changed(end - 13, 0x80),
        format!("tensor a has the shape [9223372036854775810, 32]; allowed: {allowed}")
    );
    assert_eq!(
        changed(end - 8, 1),
        "tensor a begins at byte 1 of the tensors' data; allowed: multiples of 32"
    );

    assert_eq!(
        json("\"dtype\":\"Q8_0\",\"shape\":[1],\"data_offsets\":[0,1]", 1),
        "tensor a has elements of type Q8_0; allowed: the types of safetensors"
    );
    assert_eq!(
        json("\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,9]", 9),
        "tensor a takes 9 bytes; allowed: 8, as its shape and type say"
    );
    assert_eq!(
        json("\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[9,1]", 9),
        "tensor a takes 0 bytes; allowed: 8, as its shape and type say"
    );
    assert_eq!(
        json("\"dtype\":\"F4\",\"shape\":[3],\"data_offsets\":[0,2]", 2),
        "tensor a has the shape [3]; allowed: a multiple of 2 elements (F4), less than 2^64 bytes in all"
    );
    assert_eq!(
        json(
            "\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]",
            0
        ),
        "tensor a has the shape [4294967296, 4294967296]; allowed: a multiple of 1 elements (F32), less than 2^64 bytes in all"
    );
    assert_eq!(
        json(
            "\"dtype\":\"U8\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,1]",
            1
        ),
        "dimensions of tensor a: 9; allowed: at most 8"
    );
}

#[test]
fn tensors_on_each_other_or_with_holes_between_are_refused() {
    let (mut file, end) =
        Sketch::of(vec![tensor("a", F16, &[32]), tensor("b", F16, &[32])]).gguf(3);
    file[end - 8] = 32;
    assert_eq!(
        refusal(&file),
        "tensor b begins at byte 32 of the tensors' data; allowed: 64 to 95, behind the one before it"
    );
    file[end - 8] = 96;
    file.resize(file.len() + 64, 0);
    assert_eq!(
        refusal(&file),
        "tensor b begins at byte 96 of the tensors' data; allowed: 64 to 95, behind the one before it"
    );
    let pair = |start: u64, end: u64, data| {
        let info = |start, end| {
            format!("{{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[{start},{end}]}}")
        };
        let json = format!("{{\"a\":{},\"b\":{}}}", info(0, 8), info(start, end));
        refusal(&json_file(&json, data).0)
    };
    let allowed = "allowed: 8, where the one before it ends";
    assert_eq!(
        pair(4, 12, 12),
        format!("tensor b begins at byte 4 of the tensors' data; {allowed}")
    );
    assert_eq!(
        pair(9, 17, 17),
        format!("tensor b begins at byte 9 of the tensors' data; {allowed}")
    );
}

#[test]
fn a_safetensors_file_ends_with_its_tensors() {
    let (mut file, _) = Sketch::named(&["a"]).safetensors();
    file.push(0);
    let len = file.len();
    assert_eq!(
        refusal(&file),
        format!(
            "its tensors end at byte {}, the file at {len}; allowed: nothing behind the tensors",
            len - 1
        )
    );
}

#[test]
fn a_header_without_tensors_or_that_is_no_json_is_refused() {
    assert_eq!(
        gguf(&Sketch::default()),
        "it holds no tensors; allowed: at least 1"
    );
    assert_eq!(
        refusal(&json_file("{}", 0).0),
        "it holds no tensors; allowed: at least 1"
    );
    let start = "its header is no safetensors header: ";
    for (header, why) in [
        ("{", "EOF while parsing an object at line 1 column 1"),
        (
            "{\"a\":7}",
            "invalid type: integer `7`, expected struct Info at line 1 column 6",
        ),
        ("{}7", "trailing characters at line 1 column 3"),
        (
            "{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,0]}}",
            "invalid value: integer `-1`, expected u64 at line 1 column 31",
        ),
        (
            "{\"__metadata__\":{\"a\":7}}",
            "invalid type: integer `7`, expected a string at line 1 column 22",
        ),
    ] {
        assert_eq!(refusal(&json_file(header, 0).0), format!("{start}{why}"));
    }
    let long = json_file(&format!("{{\"a\":\"{}\"}}", "x".repeat(1 << 20)), 0).0;
    let said = format!(
        "invalid type: string \"{}… at line 1 column 1048583",
        "x".repeat(106)
    );
    assert_eq!(refusal(&long), format!("{start}{said}"));
}

#[test]
fn nothing_is_read_behind_the_header() {
    // The file is said to be longer than what can be read of it: only its header is.
    let file = Sketch::of(vec![tensor("a", F16, &[1 << 20, 1 << 20])]).gguf_header(3);
    let length = (file.len() as u64).next_multiple_of(32) + (1 << 41);
    let header = mystic_weights::Header::parse(&file[..], length).expect("a header");
    assert_eq!(header.tensor_bytes(), 1 << 41);
}

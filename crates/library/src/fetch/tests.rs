use std::io::{BufRead, BufReader};
use std::net::TcpListener;

use mystic_testkit::{FileServer, Manners};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::*;

/// A small model, as safetensors.
fn model(bytes: u64) -> Vec<u8> {
    let header =
        format!("{{\"a\":{{\"dtype\":\"U8\",\"shape\":[{bytes}],\"data_offsets\":[0,{bytes}]}}}}");
    let tensor = (0..bytes).map(|at| at.to_le_bytes()[0] ^ at.to_le_bytes()[1]);
    let length = (header.len() as u64).to_le_bytes();
    length
        .into_iter()
        .chain(header.into_bytes())
        .chain(tensor)
        .collect()
}

struct Library {
    folder: TempDir,
    places: Places,
}

impl Library {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let places = Places {
            models: folder.path().join("models"),
            sources: folder.path().join("sources"),
            cache: Some(folder.path().join("cache")),
        };
        Self { folder, places }
    }

    fn target(&self) -> PathBuf {
        self.places.models.join("some/model.safetensors")
    }

    fn fetch(&self, file: &ModelFile) -> Result<()> {
        fetch(&self.places, file, &mut |_| ControlFlow::Continue(()))
    }
}

/// The catalogue's entry of this content.
fn entry(content: &[u8], source: Source) -> ModelFile {
    ModelFile {
        path: "some/model.safetensors".to_owned(),
        size: content.len() as u64,
        sha256: hex::encode(Sha256::digest(content)),
        source,
    }
}

fn at(server: &FileServer) -> Source {
    Source::Url(server.url.clone())
}

#[test]
fn a_download_that_breaks_off_again_and_again_goes_on_where_it_was() {
    let (library, content) = (Library::new(), model(400_000));
    let manners = Manners {
        breaks_off_after: 150_000,
        ..Manners::KIND
    };
    let server = FileServer::start(content.clone(), manners);
    let mut told = Vec::new();
    fetch(
        &library.places,
        &entry(&content, at(&server)),
        &mut |there| {
            assert!(!library.target().exists() || there == content.len() as u64);
            told.push(there);
            ControlFlow::Continue(())
        },
    )
    .expect("at last");
    assert_eq!(fs::read(library.target()).expect("there"), content);
    assert_eq!(server.asked(), [None, Some(150_000), Some(300_000)]);
    assert!(told.is_sorted() && told.last() == Some(&(content.len() as u64)));
    assert!(!part_of(&library.target()).exists());
    // What is there is not fetched again.
    library.fetch(&entry(&content, at(&server))).expect("there");
    assert_eq!(server.asked().len(), 3);
}

#[test]
fn what_an_earlier_call_left_is_gone_on_with_and_has_no_name_before_it_is_whole() {
    let (library, content) = (Library::new(), model(400_000));
    let dead = Manners {
        breaks_off_after: 0,
        ..Manners::KIND
    };
    let (server, dead) = (
        FileServer::start(content.clone(), Manners::KIND),
        FileServer::start(content.clone(), dead),
    );
    let part = part_of(&library.target());
    fs::create_dir_all(part.parent().expect("a folder")).expect("made");
    fs::write(&part, &content[..1000]).expect("written");
    let error = library
        .fetch(&entry(&content, at(&dead)))
        .expect_err("it brings nothing");
    assert!(matches!(error, LibraryError::Download { .. }), "{error}");
    assert_eq!(fs::read(&part).expect("kept"), content[..1000]);
    assert!(!library.target().exists());
    library
        .fetch(&entry(&content, at(&server)))
        .expect("the rest");
    assert_eq!(server.asked(), [Some(1000)]);
    assert_eq!(fs::read(library.target()).expect("there"), content);
}

#[test]
fn a_server_that_knows_no_ranges_sends_it_all_again() {
    let (library, content) = (Library::new(), model(400_000));
    let manners = Manners {
        ranges: false,
        ..Manners::KIND
    };
    let server = FileServer::start(content.clone(), manners);
    let part = part_of(&library.target());
    fs::create_dir_all(part.parent().expect("a folder")).expect("made");
    fs::write(&part, "something else").expect("written");
    library
        .fetch(&entry(&content, at(&server)))
        .expect("all of it");
    assert_eq!(fs::read(library.target()).expect("there"), content);
}

#[test]
fn what_is_another_file_longer_or_no_model_never_gets_its_name() {
    let content = model(1000);
    let mut other = content.clone();
    *other.last_mut().expect("bytes") ^= 1;
    let mut longer = content.clone();
    longer.push(0);
    let pickle = b"\x80\x02}q\x00(X\x05\x00\x00\x00".repeat(100);
    let zip = [b"PK\x03\x04".as_slice(), &content].concat();
    for (sent, wanted) in [
        (other, &content),
        (longer, &content),
        (pickle.clone(), &pickle),
        (zip.clone(), &zip),
    ] {
        let library = Library::new();
        let server = FileServer::start(sent, Manners::KIND);
        let error = library
            .fetch(&entry(wanted, at(&server)))
            .expect_err("refused");
        let honest = matches!(
            error,
            LibraryError::Other { .. } | LibraryError::NoModel { .. }
        );
        assert!(honest, "{error}");
        assert!(!library.target().exists(), "{error}");
        let left = fs::metadata(part_of(&library.target()));
        assert!(left.map_or(0, |left| left.len()) == 0, "{error}");
    }
    let library = Library::new();
    let server = FileServer::start(pickle.clone(), Manners::KIND);
    let error = library
        .fetch(&entry(&pickle, at(&server)))
        .expect_err("a pickle");
    assert!(
        error.to_string().contains("neither GGUF nor safetensors"),
        "{error}"
    );
}

#[test]
fn two_programs_do_not_fetch_one_file_at_once() {
    let (library, content) = (Library::new(), model(1000));
    let server = FileServer::start(content.clone(), Manners::KIND);
    let part = part_of(&library.target());
    fs::create_dir_all(part.parent().expect("a folder")).expect("made");
    let other = File::create(&part).expect("made");
    other.lock().expect("locked");
    let error = library
        .fetch(&entry(&content, at(&server)))
        .expect_err("busy");
    assert!(matches!(error, LibraryError::Busy(_)), "{error}");
    drop(other);
    library.fetch(&entry(&content, at(&server))).expect("now");
}

#[test]
fn a_file_that_is_not_there_is_told_at_once() {
    let (library, content) = (Library::new(), model(1000));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/model", listener.local_addr().expect("bound"));
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let _ = BufReader::new(stream.try_clone().expect("cloned")).read_line(&mut String::new());
        let _ = stream
            .write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    });
    let error = library
        .fetch(&entry(&content, Source::Url(url)))
        .expect_err("nothing");
    assert!(error.to_string().contains("it answers 404"), "{error}");
}

#[test]
fn a_local_file_replaces_a_damaged_one_and_a_damaged_source_replaces_nothing() {
    let (library, content) = (Library::new(), model(1000));
    let source = library.folder.path().join("sources/a.safetensors");
    for (path, bytes) in [
        (&source, content.as_slice()),
        (&library.target(), b"damaged"),
    ] {
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, bytes).expect("written");
    }
    let local = || Source::Local("a.safetensors".into());
    let mut wrong = entry(&content, local());
    wrong.sha256 = "0".repeat(64);
    library.fetch(&wrong).expect_err("another file");
    assert_eq!(fs::read(library.target()).expect("there"), b"damaged");
    library.fetch(&entry(&content, local())).expect("placed");
    assert_eq!(fs::read(library.target()).expect("there"), content);
}

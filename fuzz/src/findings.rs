//! Saves findings, a file each, and remembers where panics came from.

use std::collections::HashSet;
use std::io;
use std::panic::{self, PanicHookInfo};
use std::path::Path;
use std::sync::{LazyLock, Mutex, PoisonError};

use wildsgd_fuzz::Reader;

/// Where the last panic was, and its message; and where all were.
#[derive(Default)]
struct Panics {
    last: Option<(String, String)>,
    places: HashSet<String>,
}

static PANICS: LazyLock<Mutex<Panics>> = LazyLock::new(Mutex::default);

/// Saves an input that a reader did not survive, and prints how to replay it.
pub fn save(reader: Reader, bytes: &[u8], what: &str) -> io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("artifacts");
    std::fs::create_dir_all(&folder)?;
    let file = folder.join(format!("{}-{:08x}", reader.name, crc32fast::hash(bytes)));
    std::fs::write(&file, bytes)?;
    eprintln!("FOUND in {}: {what}", reader.name);
    eprintln!("  {} bytes in {}", bytes.len(), file.display());
    eprintln!(
        "  replay: cargo run --manifest-path fuzz/Cargo.toml -- {} --seconds 0 fuzz/artifacts/{}",
        reader.name,
        file.file_name().unwrap_or_default().display()
    );
    Ok(())
}

/// Lets panics be remembered, and printed only the first time that they come from a place.
pub fn watch_panics() {
    let print = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let place = info.location().map_or("?".into(), |at| format!("{}:{}", at.file(), at.line()));
        let mut panics = PANICS.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = !panics.places.contains(&place);
        panics.last = Some((place, message(info)));
        drop(panics);
        if is_new {
            print(info);
        }
    }));
}

/// Describes the last panic if it was the first one from its place.
pub fn new_panic() -> Option<String> {
    let mut panics = PANICS.lock().unwrap_or_else(PoisonError::into_inner);
    let (place, message) = panics.last.take()?;
    let words = format!("a panic at {place}: {message}");
    panics.places.insert(place).then_some(words)
}

fn message(info: &PanicHookInfo<'_>) -> String {
    let payload = info.payload();
    let formatted = payload.downcast_ref::<String>().map(String::as_str);
    formatted.or(payload.downcast_ref::<&str>().copied()).unwrap_or("no message").to_string()
}

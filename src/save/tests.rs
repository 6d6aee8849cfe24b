use std::fs::{self, Permissions};
use std::os::unix::fs::symlink;
use std::process::Command;

use super::*;

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn put(path: &Path, bytes: &[u8]) -> Result<()> {
    atomically(path, |out| out.write_all(bytes))
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn makes_and_replaces_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("model");
    for bytes in [&b"old"[..], b"new, longer", b""] {
        put(&path, bytes).unwrap();
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }
    assert_eq!(names(directory.path()), ["model"]);
}

#[test]
fn has_the_permissions_of_any_new_file_and_keeps_those_of_an_old_one() {
    let directory = tempfile::tempdir().unwrap();
    let (path, plain) = (directory.path().join("model"), directory.path().join("plain"));
    put(&path, b"1").unwrap();
    File::create(&plain).unwrap();
    assert_eq!(mode(&path), mode(&plain));
    fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
    put(&path, b"2").unwrap();
    assert_eq!(mode(&path), 0o640);
}

#[test]
fn a_new_file_has_no_more_rights_than_it_may() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    atomically_as(at("text"), 0o4600, |out| out.write_all(b"1")).unwrap();
    file_atomically(at("cache"), 0o600, |_| Ok(())).unwrap();
    assert_eq!((mode(&at("text")), mode(&at("cache"))), (0o600, 0o600));
    // One that exists keeps its own.
    fs::set_permissions(at("text"), Permissions::from_mode(0o644)).unwrap();
    atomically_as(at("text"), 0o600, |out| out.write_all(b"2")).unwrap();
    assert_eq!(mode(&at("text")), 0o644);
}

#[test]
fn paths_to_one_file_have_one_identity_even_before_it_exists() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    symlink("nowhere", at("first")).unwrap();
    symlink("first", at("second")).unwrap();
    let expected = Some(directory.path().canonicalize().unwrap().join("nowhere"));
    for name in ["nowhere", "first", "second", "../", "."] {
        let path = match name {
            "." => directory.path().join("./nowhere"),
            "../" => at("..").join(directory.path().file_name().unwrap()).join("second"),
            name => at(name),
        };
        assert_eq!(identity(&path), expected, "{name}");
    }
    put(&at("second"), b"1").unwrap();
    assert_eq!((identity(at("first")), identity(at("nowhere"))), (expected.clone(), expected));
    assert_eq!(identity("/dev/null"), None);
}

#[test]
fn a_failure_leaves_the_old_file_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("model");
    put(&path, b"old").unwrap();
    let result = atomically(&path, |out| {
        out.write_all(&[b'x'; 3 * BUFFER])?;
        Err(ErrorKind::StorageFull.into())
    });
    let message = result.unwrap_err().to_string();
    let expected = "cannot write: no storage space (expected free space on the disk); free some, or name a file on \
                    another disk";
    assert_eq!(message, format!("{}: {expected}", path.display()));
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert_eq!(names(directory.path()), ["model"]);
}

#[test]
fn a_check_tells_what_a_save_would_meet() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("model");
    check(&path).unwrap();
    fs::write(&path, b"old").unwrap();
    check(&path).unwrap();
    check("/dev/full").unwrap();
    assert!(matches!(check(directory.path()), Err(Error::Input { .. })));
    assert!(matches!(check(directory.path().join("no/model")), Err(Error::Input { .. })));
    assert!(matches!(check(path.join("model")), Err(Error::Io { .. })));
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert_eq!(names(directory.path()), ["model"]);
}

#[test]
fn places_that_cannot_be_written_are_errors() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    put(&file, b"old").unwrap();
    let cases = [
        (directory.path().join("missing/model"), "create"),
        (file.join("model"), "open"),
        (directory.path().to_path_buf(), "open"),
        (PathBuf::new(), "rename"),
    ];
    for (path, expected) in cases {
        match put(&path, b"new").unwrap_err() {
            Error::Io { action, path: named, .. } => assert_eq!((action, named), (expected, path)),
            other => panic!("{other}"),
        }
    }
    assert_eq!(names(directory.path()), ["file"]);
}

#[test]
fn a_directory_without_write_permission_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("model");
    put(&path, b"old").unwrap();
    fs::set_permissions(directory.path(), Permissions::from_mode(0o500)).unwrap();
    // The superuser may write anyway.
    let may_write = File::create(directory.path().join("probe")).is_ok();
    let result = put(&path, b"new");
    fs::set_permissions(directory.path(), Permissions::from_mode(0o700)).unwrap();
    if !may_write {
        let message = result.unwrap_err().to_string();
        assert!(message.contains("model: cannot create: Permission denied"), "{message}");
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(names(directory.path()), ["model"]);
    }
}

#[test]
fn symbolic_links_stay() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    symlink("second", at("first")).unwrap();
    symlink("model", at("second")).unwrap();
    for bytes in [&b"made through a link"[..], b"replaced through a link"] {
        put(&at("first"), bytes).unwrap();
        assert_eq!(fs::read(at("model")).unwrap(), bytes);
        assert!(!fs::symlink_metadata(at("model")).unwrap().is_symlink());
    }
    assert_eq!(names(directory.path()), ["first", "model", "second"]);
    symlink("loop", at("loop")).unwrap();
    assert!(put(&at("loop"), b"").is_err());
}

#[test]
fn a_pipe_is_written_directly() {
    let directory = tempfile::tempdir().unwrap();
    let pipe = directory.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || fs::read(pipe).unwrap()
    });
    put(&pipe, b"through a pipe").unwrap();
    assert_eq!(reader.join().unwrap(), b"through a pipe");
    assert!(!fs::metadata(&pipe).unwrap().is_file());
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_device_is_an_error() {
    let message = put(Path::new("/dev/full"), b"new").unwrap_err().to_string();
    assert!(message.starts_with("/dev/full: cannot write: No space left on device"), "{message}");
}

#[cfg(target_os = "linux")]
#[test]
fn an_open_descriptor_is_no_name_to_replace() {
    use std::os::fd::AsRawFd;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out");
    let mut file = File::create(&path).unwrap();
    file.write_all(b"first,").unwrap();
    for descriptor in ["/proc/self/fd", "/dev/fd"] {
        put(&Path::new(descriptor).join(file.as_raw_fd().to_string()), b"then").unwrap();
    }
    assert_eq!(fs::read(&path).unwrap(), b"first,thenthen");
    assert_eq!(names(directory.path()), ["out"]);
}

#[test]
fn a_file_may_be_written_in_any_order() {
    use std::os::unix::fs::FileExt;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("cache");
    let write =
        |file: &File| file.write_all_at(b"cd", 2).and_then(|()| file.write_all_at(b"ab", 0));
    file_atomically(&path, USUAL, write).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"abcd");
    let failing = |file: &File| write(file).and(Err(io::Error::other("full")));
    assert!(file_atomically(&path, USUAL, failing).is_err());
    assert_eq!(
        (fs::read(&path).unwrap(), names(directory.path())),
        (b"abcd".to_vec(), vec!["cache".into()])
    );
    let message = file_atomically("/dev/null", USUAL, write).unwrap_err().to_string();
    assert!(
        message.starts_with("/dev/null: is not a regular file (expected a file, "),
        "{message}"
    );
}

//! Saves files at once or not at all: written without a name, synced, and put in place.
//!
//! Invariant: whatever fails, and whenever the process is killed, the target holds either all of
//! its old bytes or all of the new ones. On file systems that know no files without a name, a kill
//! that cannot be caught may leave a file `.wildsgd-*.tmp` behind; a failure or a signal leaves
//! none.

mod target;
mod temporary;
#[cfg(test)]
mod tests;

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use target::{Target, folder, inherited, obstacle};
pub(crate) use temporary::Temporary;
pub use temporary::{Folder, remove_all};

const BUFFER: usize = 1 << 16;
/// The permissions of a new file that is not told to have fewer, before the process's mask.
pub const USUAL: u32 = 0o666;

/// Replaces the file at `path` by the bytes that `write` writes, all at once. It keeps the
/// permissions of the file that it replaces; a new file gets the usual ones (0666 less the
/// process's mask). A symbolic link stays, and its target is replaced. Another hard link keeps the
/// old bytes.
///
/// Pipes, terminals, `/dev/stdout` and the like cannot be replaced by renaming. They are written
/// directly, and may hold a part of the bytes after a failure.
///
/// # Errors
/// [`Error::Io`] if a file cannot be created in the folder, or if `write` or the system fails, for
/// example because the disk is full.
pub fn atomically(
    path: impl AsRef<Path>,
    write: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<()>,
) -> Result<()> {
    atomically_as(path, USUAL, write)
}

/// Replaces a file as [`atomically`] does; a new one gets at most the permissions `most`.
///
/// # Errors
/// Those of [`atomically`].
pub fn atomically_as(
    path: impl AsRef<Path>,
    most: u32,
    write: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<()>,
) -> Result<()> {
    let path = path.as_ref();
    let result = match Target::of(path) {
        Ok(Target::Stream(target)) => stream(&target, write),
        Ok(Target::File(target, old)) => {
            replace(&target, old.as_ref(), most, |file| fill(file, write))
        }
        Err(error) => Err(("open", error)),
    };
    result.map_err(|(action, source)| Error::io(path, action, source))
}

/// Replaces the file at `path` all at once, like [`atomically_as`], by a file that `write` fills at
/// any offsets. Anything but a regular file is refused.
///
/// # Errors
/// [`Error::Io`] as for [`atomically`], [`Error::Input`] if `path` is a pipe, a terminal or the
/// like.
pub fn file_atomically(
    path: impl AsRef<Path>,
    most: u32,
    write: impl FnOnce(&File) -> io::Result<()>,
) -> Result<()> {
    let path = path.as_ref();
    let write = |file: &File| write(file).map_err(|e| ("write", e));
    let result = match Target::of(path) {
        Ok(Target::Stream(_)) => return Err(no_file(path)),
        Ok(Target::File(target, old)) => replace(&target, old.as_ref(), most, write),
        Err(error) => Err(("open", error)),
    };
    result.map_err(|(action, source)| Error::io(path, action, source))
}

fn no_file(path: &Path) -> Error {
    Error::input(
        path.display().to_string(),
        "is not a regular file",
        "a file, as it is not written from its first byte to its last",
        "name a file",
    )
}

/// Checks a path as [`check`] does, for [`file_atomically`].
///
/// # Errors
/// Those of [`check`], and [`Error::Input`] if `path` is a pipe, a terminal or the like.
pub fn check_file(path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    check(path)?;
    match Target::of(path) {
        Ok(Target::Stream(_)) => Err(no_file(path)),
        _ => Ok(()),
    }
}

/// Checks before long work whether [`atomically`] could start to write `path`. Leaves nothing
/// behind.
///
/// # Errors
/// [`Error::Input`] if `path` is a directory, its directory is missing, or the file there cannot be
/// replaced; [`Error::Io`] if no file can be created there, or the system does not let this process
/// follow its links.
pub fn check(path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    let wrong = |what: String, expected: &str, hint: &str| {
        Err(Error::input(path.display().to_string(), what, expected, hint))
    };
    let (target, old) = match Target::of(path).map_err(|error| Error::io(path, "open", error))? {
        Target::Stream(target) if target.is_dir() => {
            return wrong("is a directory".into(), "a file to write", "name a file in it");
        }
        Target::Stream(_) => return Ok(()),
        Target::File(target, old) => (target, old),
    };
    let folder = folder(&target);
    if !folder.is_dir() {
        return wrong(
            format!("there is no directory {}", folder.display()),
            "a file in an existing directory",
            "create the directory first",
        );
    }
    if let Some(obstacle) = old.and_then(|old| obstacle(&target, &old)) {
        return wrong(obstacle.into(), "a file to replace", "name a file in a folder of your own");
    }
    tempfile::tempfile_in(folder).map(drop).map_err(|error| Error::io(path, "create", error))
}

/// Returns the file that [`atomically`] would write for `path`, after all links, even if it does
/// not exist yet: two paths are one output if these are equal. `None` for a pipe, a terminal and
/// the like, and if it cannot be known.
pub fn identity(path: impl AsRef<Path>) -> Option<PathBuf> {
    match Target::of(path.as_ref()).ok()? {
        Target::Stream(_) => None,
        Target::File(target, _) => {
            Some(folder(&target).canonicalize().ok()?.join(target.file_name()?))
        }
    }
}

/// The action that failed, and the reason.
type Failure = (&'static str, io::Error);

fn replace(
    target: &Path,
    old: Option<&Metadata>,
    most: u32,
    write: impl FnOnce(&File) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let folder = folder(target);
    let mode = old.map_or(most & USUAL, |old| old.permissions().mode() & 0o777);
    let temporary = Temporary::new(folder, mode).map_err(|e| ("create", e))?;
    write(temporary.as_file())?;
    keep_permissions(temporary.as_file(), old).map_err(|e| ("set the permissions", e))?;
    temporary.as_file().sync_all().map_err(|e| ("sync", e))?;
    temporary.replace(target, folder).map_err(|e| ("rename", e))?;
    sync_directory(folder).map_err(|e| ("sync the directory", e))
}

fn stream(
    target: &Path,
    write: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<()>,
) -> Result<(), Failure> {
    let file = match inherited(target) {
        Some(own) => own.map(File::from).map_err(|e| ("open", e))?,
        // Append: the path may lead to a descriptor of another process, of a regular file that
        // already holds bytes.
        None => OpenOptions::new().append(true).open(target).map_err(|e| ("open", e))?,
    };
    fill(&file, write)
}

fn fill(
    file: &File,
    write: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<()>,
) -> Result<(), Failure> {
    let mut out = BufWriter::with_capacity(BUFFER, file);
    write(&mut out).and_then(|()| out.flush()).map_err(|e| ("write", e))
}

fn keep_permissions(file: &File, old: Option<&Metadata>) -> io::Result<()> {
    let Some(old) = old else { return Ok(()) };
    let (old, new) = (old.permissions(), file.metadata()?.permissions());
    // Some file systems have one mode for all files and refuse to set any.
    if old.mode() == new.mode() { Ok(()) } else { file.set_permissions(old) }
}

/// Makes the rename survive a power cut.
fn sync_directory(directory: &Path) -> io::Result<()> {
    let result = File::open(directory).and_then(|directory| directory.sync_all());
    match result {
        // The new file is in place. A directory that cannot be read or does not support sync is no
        // failure.
        Err(e) if matches!(e.kind(), ErrorKind::PermissionDenied | ErrorKind::InvalidInput) => {
            Ok(())
        }
        result => result,
    }
}

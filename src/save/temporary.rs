//! Files without a name until they are complete, and temporary ones that signals remove.
//!
//! On Linux a file has no name while it is written (`O_TMPFILE`), so that nothing is left of it
//! however the process ends. Where the file system knows no such files, it has a name of the form
//! `.wildsgd-*.tmp`. Such names are listed, so that [`remove_all`] can remove them on a signal.

use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use tempfile::{Builder, NamedTempFile, TempDir};

/// Paths of temporary files and folders that exist.
static LISTED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Removes all temporary files and folders of this process. For use before a signal ends it.
pub fn remove_all() {
    let mut listed = LISTED.lock().unwrap_or_else(PoisonError::into_inner);
    for path in listed.drain(..) {
        // Nothing is left to report a failure to.
        let _ = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    }
}

/// A path on the list, as long as this lives.
struct Listed(PathBuf);

impl Listed {
    fn new(path: &Path) -> Self {
        LISTED.lock().unwrap_or_else(PoisonError::into_inner).push(path.to_path_buf());
        Listed(path.to_path_buf())
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        LISTED.lock().unwrap_or_else(PoisonError::into_inner).retain(|path| *path != self.0);
    }
}

/// A temporary folder, which is removed with all in it when this is dropped, or on a signal.
pub struct Folder {
    folder: TempDir,
    _listed: Listed,
}

impl Folder {
    /// Makes a folder that no other user may enter, where the system has its temporary files.
    ///
    /// # Errors
    /// Those of the system.
    pub fn new() -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let listed = Listed::new(folder.path());
        Ok(Folder { folder, _listed: listed })
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// A file that is being written, to be put in place when it is complete.
pub(crate) enum Temporary {
    /// It has no name.
    Unnamed(File),
    /// It has one in the folder.
    Named(Named),
}

/// A temporary file with a name.
pub(crate) struct Named {
    file: NamedTempFile,
    listed: Listed,
}

impl Temporary {
    /// Makes an empty file in `folder`, with permissions `mode` less the process's mask.
    pub(crate) fn new(folder: &Path, mode: u32) -> io::Result<Self> {
        match unnamed(folder, mode) {
            Some(file) => Ok(Temporary::Unnamed(file)),
            None => Named::new(folder, mode).map(Temporary::Named),
        }
    }

    pub(crate) fn as_file(&self) -> &File {
        match self {
            Temporary::Unnamed(file) => file,
            Temporary::Named(named) => named.file.as_file(),
        }
    }

    /// Names the file `target` in the folder that it was made in, in place of any file that has
    /// that name.
    pub(crate) fn replace(self, target: &Path, folder: &Path) -> io::Result<File> {
        let named = match self {
            Temporary::Named(named) => named,
            Temporary::Unnamed(file) => match link(&file, target) {
                Ok(()) => return Ok(file),
                Err(_) => Named::of(file, folder)?,
            },
        };
        let Named { file, listed } = named;
        let file = file.persist(target).map_err(|error| error.error);
        drop(listed);
        file
    }

    /// Names the file `target`, unless there is a file of that name.
    pub(crate) fn name(self, target: &Path, folder: &Path) -> io::Result<File> {
        let named = match self {
            Temporary::Named(named) => named,
            Temporary::Unnamed(file) => match link(&file, target) {
                Ok(()) => return Ok(file),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err(error),
                Err(_) => Named::of(file, folder)?,
            },
        };
        let Named { file, listed } = named;
        let file = file.persist_noclobber(target).map_err(|error| error.error);
        drop(listed);
        file
    }
}

impl Named {
    fn new(folder: &Path, mode: u32) -> io::Result<Self> {
        let file = builder().permissions(Permissions::from_mode(mode)).tempfile_in(folder)?;
        let listed = Listed::new(file.path());
        Ok(Named { file, listed })
    }

    /// Gives `file` a name in `folder`: its own, or that of a copy where the system refuses.
    fn of(mut file: File, folder: &Path) -> io::Result<Self> {
        if let Ok(linked) = builder().make_in(folder, |path| link(&file, path)) {
            let listed = Listed::new(linked.path());
            let (_, path) = linked.into_parts();
            return Ok(Named { file: NamedTempFile::from_parts(file, path), listed });
        }
        let permissions = file.metadata()?.permissions();
        let copy = Named::new(folder, 0o600)?;
        io::Seek::rewind(&mut file)?;
        io::copy(&mut file, &mut copy.file.as_file())?;
        copy.file.as_file().set_permissions(permissions)?;
        copy.file.as_file().sync_all()?;
        Ok(copy)
    }
}

fn builder() -> Builder<'static, 'static> {
    let mut builder = Builder::new();
    builder.prefix(".wildsgd-").suffix(".tmp");
    builder
}

/// Makes a file without a name in `folder`, if it could be given one later.
#[cfg(target_os = "linux")]
fn unnamed(folder: &Path, mode: u32) -> Option<File> {
    use rustix::fs::{CWD, Mode, OFlags, openat};
    let flags = OFlags::RDWR | OFlags::TMPFILE | OFlags::CLOEXEC;
    let file = File::from(openat(CWD, folder, flags, Mode::from_raw_mode(mode)).ok()?);
    path_of(&file).exists().then_some(file)
}

#[cfg(target_os = "linux")]
fn link(file: &File, path: &Path) -> io::Result<()> {
    use rustix::fs::{AtFlags, CWD, linkat};
    Ok(linkat(CWD, path_of(file), CWD, path, AtFlags::SYMLINK_FOLLOW)?)
}

/// A path to an open file of this process.
#[cfg(target_os = "linux")]
fn path_of(file: &File) -> PathBuf {
    use std::os::fd::AsRawFd;
    format!("/proc/self/fd/{}", file.as_raw_fd()).into()
}

#[cfg(not(target_os = "linux"))]
fn unnamed(_: &Path, _: u32) -> Option<File> {
    None
}

#[cfg(not(target_os = "linux"))]
fn link(_: &File, _: &Path) -> io::Result<()> {
    Err(ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    /// Each kind of temporary file, in an empty folder.
    fn each(test: impl Fn(Temporary, &Path)) {
        let make: [fn(&Path) -> io::Result<Temporary>; 2] = [
            |folder| Temporary::new(folder, 0o640),
            |folder| Named::new(folder, 0o640).map(Temporary::Named),
        ];
        for make in make {
            let folder = tempfile::tempdir().unwrap();
            let file = make(folder.path()).unwrap();
            file.as_file().write_all(b"new").unwrap();
            test(file, folder.path());
        }
    }

    #[test]
    fn a_file_gets_a_new_name_or_that_of_another() {
        each(|file, folder| {
            let target = folder.join("file");
            file.replace(&target, folder).unwrap();
            assert_eq!(fs::read(&target).unwrap(), b"new");
            let newer = Temporary::new(folder, 0o640).unwrap();
            newer.as_file().write_all(b"newer").unwrap();
            newer.replace(&target, folder).unwrap();
            assert_eq!(
                (fs::read(&target).unwrap(), names(folder)),
                (b"newer".into(), vec!["file".into()])
            );
        });
        each(|file, folder| {
            let target = folder.join("file");
            fs::write(&target, "old").unwrap();
            assert_eq!(file.name(&target, folder).unwrap_err().kind(), ErrorKind::AlreadyExists);
            assert_eq!(
                (fs::read(&target).unwrap(), names(folder)),
                (b"old".into(), vec!["file".into()])
            );
        });
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_file_has_no_name_before_it_is_in_place() {
        let folder = tempfile::tempdir().unwrap();
        let file = Temporary::new(folder.path(), 0o600).unwrap();
        // Some file systems know no files without a name.
        assert_eq!(names(folder.path()).is_empty(), matches!(file, Temporary::Unnamed(_)));
    }

    #[test]
    fn a_copy_gets_the_name_where_a_link_is_refused() {
        let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir_in("/dev/shm"));
        // A link from one file system to another is refused.
        let Ok(other) = other else { return eprintln!("skipped: there is no /dev/shm") };
        let Temporary::Unnamed(file) = Temporary::new(other.path(), 0o640).unwrap() else {
            return eprintln!("skipped: /dev/shm knows no files without a name");
        };
        (&file).write_all(b"copied").unwrap();
        let target = folder.path().join("file");
        Temporary::Unnamed(file).replace(&target, folder.path()).unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"copied");
        assert_eq!(names(folder.path()), ["file"]);
    }
}

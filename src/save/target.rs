//! Where a path leads: to a name in a folder, or to something that is written as it is.
#![allow(unsafe_code)]

use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Longest chain of symbolic links that Linux follows.
const MOST_LINKS: usize = 40;

/// The end of a path.
pub(super) enum Target {
    /// A regular file, or none yet, at the path after all links.
    File(PathBuf, Option<Metadata>),
    /// A pipe, a terminal, or an open file of a process at this path.
    Stream(PathBuf),
}

impl Target {
    /// Follows the links of `path`.
    ///
    /// # Errors
    /// If the system does not let this process follow them, or there is something else than a file
    /// or a stream.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        // The system looks first: it may refuse to follow a link that another user has left in a
        // folder like /tmp, and only it knows.
        let found = match fs::metadata(path) {
            Ok(found) => Some(found),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let (target, is_open_file) = follow(path);
        Ok(match found {
            Some(found) if is_open_file || !found.is_file() => Target::Stream(target),
            found => Target::File(target, found),
        })
    }
}

/// Follows a chain of symbolic links. Returns the file at its end, which may not exist yet, and
/// true if the chain passes through the descriptors of a process: such a link is an open file
/// rather than a name.
fn follow(path: &Path) -> (PathBuf, bool) {
    let mut at = path.to_path_buf();
    for _ in 0..MOST_LINKS {
        let Ok(next) = fs::read_link(&at) else { break };
        let directory = at.parent().unwrap_or(Path::new("")).to_path_buf();
        if directory.canonicalize().is_ok_and(|directory| directory.starts_with("/proc")) {
            return (at, true);
        }
        at = directory.join(next);
    }
    (at, false)
}

/// The folder of a file.
pub(super) fn folder(target: &Path) -> &Path {
    match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// The reason why the file `old` at `target` cannot be replaced by renaming, if that is known.
pub(super) fn obstacle(target: &Path, old: &Metadata) -> Option<&'static str> {
    if is_mount_point(target) {
        return Some("is a mount point, which no other file can replace");
    }
    /// Only owners may rename files in such a folder.
    const STICKY: u32 = 0o1000;
    let me = rustix::process::geteuid().as_raw();
    let folder = fs::metadata(folder(target)).ok()?;
    let is_fixed = folder.mode() & STICKY != 0 && ![0, folder.uid(), old.uid()].contains(&me);
    is_fixed.then_some("belongs to another user, in a folder where only owners may replace files")
}

#[cfg(target_os = "linux")]
fn is_mount_point(path: &Path) -> bool {
    use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};
    let found = statx(CWD, path, AtFlags::empty(), StatxFlags::empty());
    found.is_ok_and(|found| found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}

#[cfg(not(target_os = "linux"))]
fn is_mount_point(_: &Path) -> bool {
    false
}

/// Returns a descriptor that this process has inherited, if `target` is the path of one. It and the
/// original share one position in the file: what others write through it before and after stays.
pub(super) fn inherited(target: &Path) -> Option<io::Result<OwnedFd>> {
    let own = Path::new("/proc/self/fd").canonicalize().ok()?;
    if target.parent()?.canonicalize().ok()? != own {
        return None;
    }
    let number: i32 = target.file_name()?.to_str()?.parse().ok()?;
    let info = fs::read_to_string(format!("/proc/self/fdinfo/{number}")).ok()?;
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:"))?;
    let flags = i32::from_str_radix(flags.trim(), 8).ok()?;
    if number < 0 || flags & libc::O_CLOEXEC != 0 {
        return None;
    }
    // SAFETY: the descriptor is open, as the system has just described it. It is not closed on
    // `exec`, so that no code of this crate or of the standard library, which all set that flag,
    // owns and closes it.
    let inherited = unsafe { BorrowedFd::borrow_raw(number) };
    Some(inherited.try_clone_to_owned())
}

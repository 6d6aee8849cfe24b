//! Files that the command is going to write, looked at before hours of work go into what they
//! cannot take.

use std::path::{Path, PathBuf};

use wildsgd::internal::save;
use wildsgd::{Error, Result};

/// Checks that each of `outputs` can be written and is no input nor another output. A path comes
/// with its flag or role.
pub fn check(outputs: &[(&str, Option<&PathBuf>)], inputs: &[(&str, &Path)]) -> Result<()> {
    let mut taken: Vec<(&str, PathBuf)> =
        inputs.iter().filter_map(|&(role, path)| Some((role, identity(path)?))).collect();
    for &(flag, path) in outputs {
        let Some(path) = path else { continue };
        save::check(path)?;
        let Some(identity) = identity(path) else { continue };
        if let Some((other, _)) = taken.iter().find(|(_, taken)| *taken == identity) {
            return Err(Error::input(
                path.display().to_string(),
                format!("is both {other} and {flag}"),
                "a file of its own for each output",
                "name another file",
            ));
        }
        taken.push((flag, identity));
    }
    Ok(())
}

/// What two names of one regular file have in common; `None` for what may well be named twice, like
/// a terminal.
fn identity(path: &Path) -> Option<PathBuf> {
    if let Ok(found) = path.canonicalize() {
        return found.is_file().then_some(found);
    }
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    Some(directory.canonicalize().ok()?.join(path.file_name()?))
}

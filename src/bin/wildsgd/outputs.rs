//! Output files: checks before hours of work that they can be written, and writes them atomically.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use wildsgd::internal::save;
use wildsgd::{Error, Result};

/// Checks that each of `outputs` can be written and is neither an input nor another output. Each
/// path comes with its flag or role.
pub fn check(outputs: &[(&str, Option<&PathBuf>)], inputs: &[(&str, &Path)]) -> Result<()> {
    let mut taken: Vec<(&str, PathBuf)> =
        inputs.iter().filter_map(|&(role, path)| Some((role, save::identity(path)?))).collect();
    for &(flag, path) in outputs {
        let Some(path) = path else { continue };
        save::check(path)?;
        let Some(identity) = save::identity(path) else { continue };
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

/// Writes the file at `path` with `write`, or leaves it unchanged if that fails.
pub fn to_file<T>(
    path: &Path,
    write: impl FnOnce(&mut (dyn Write + Send)) -> Result<T, Error>,
) -> Result<T, Error> {
    let mut written = None;
    let saved = save::atomically(path, |out| match written.insert(write(out)) {
        Ok(_) => Ok(()),
        Err(error) => Err(io::Error::other(error.to_string())),
    });
    match written {
        Some(Ok(result)) => saved.map(|()| result),
        Some(Err(error)) => Err(error),
        None => Err(saved.expect_err("nothing was written")),
    }
}

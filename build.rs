//! Notes for reports: which compiler, for what, with which flags, and which commit if this is a
//! release build of a repository. Nothing here can fail the build; what cannot be found out is left
//! out.

use std::env;
use std::path::Path;
use std::process::Command;

/// Files and folders that the label of a commit speaks of.
const LABELED: [&str; 4] = ["src", "build.rs", "Cargo.toml", "Cargo.lock"];

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let variable = |name: &str| env::var(name).unwrap_or_default();
    if let Some(compiler) = output(&variable("RUSTC"), &["--version"], None) {
        println!("cargo:rustc-env=WILDSGD_COMPILER={compiler}");
    }
    println!("cargo:rustc-env=WILDSGD_TARGET={}", variable("TARGET"));
    let given = variable("CARGO_ENCODED_RUSTFLAGS").replace('\x1f', " ");
    println!(
        "cargo:rustc-env=WILDSGD_FLAGS={}",
        format!("opt-level={} {given}", variable("OPT_LEVEL")).trim()
    );
    let folder = variable("CARGO_MANIFEST_DIR");
    let label = if has_label(Path::new(&folder)) {
        // The label stays that of the commit with these sources, as long as they stay the same.
        LABELED.iter().for_each(|path| println!("cargo:rerun-if-changed={path}"));
        commit(Path::new(&folder)).unwrap_or_default()
    } else {
        String::new()
    };
    println!("cargo:rustc-env=WILDSGD_COMMIT={label}");
}

/// Whether the build gets a commit's label: where `folder` is the root of a repository, not a copy
/// unpacked somewhere in one, and was itself to be built, not another package that depends on it. A
/// debug build gets none, or each edit of a test or of the command would compile the library again.
fn has_label(folder: &Path) -> bool {
    // Cargo tells the compiler of this script, not the script as it runs.
    let is_primary = option_env!("CARGO_PRIMARY_PACKAGE").is_some();
    is_primary
        && env::var("PROFILE").is_ok_and(|profile| profile == "release")
        && folder.join(".git").exists()
}

/// The commit that `folder` is at, and whether files have changed since.
fn commit(folder: &Path) -> Option<String> {
    let git = |arguments: &[&str]| output("git", arguments, Some(folder));
    let commit = git(&["rev-parse", "--short=12", "HEAD"])?;
    let status = ["status", "--porcelain", "--untracked-files=no", "--"];
    let changed = git(&[&status[..], &LABELED].concat())?;
    Some(if changed.is_empty() { commit } else { format!("{commit}-dirty") })
}

/// What a program prints, if it can be run and succeeds.
fn output(program: &str, arguments: &[&str], folder: Option<&Path>) -> Option<String> {
    let mut command = Command::new(program);
    command.args(arguments);
    folder.map(|folder| command.current_dir(folder));
    let output = command.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_string())
}

//! Notes for reports: which compiler, for what, with which flags, and which commit if this is a
//! repository. Nothing here can fail the build; what cannot be found out is left out.

use std::env;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // A label is that of the commit with these sources, as long as they stay the same.
    println!("cargo:rerun-if-changed=src");
    println!("cargo:rerun-if-changed=Cargo.toml");
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
    println!(
        "cargo:rustc-env=WILDSGD_COMMIT={}",
        commit(Path::new(&variable("CARGO_MANIFEST_DIR"))).unwrap_or_default()
    );
}

/// The commit of the repository whose root is `folder`: not that of one that holds an unpacked copy
/// somewhere.
fn commit(folder: &Path) -> Option<String> {
    if !folder.join(".git").exists() {
        return None;
    }
    let git = |arguments: &[&str]| output("git", arguments, Some(folder));
    let commit = git(&["rev-parse", "--short=12", "HEAD"])?;
    let changed = git(&[
        "status",
        "--porcelain",
        "--untracked-files=no",
        "--",
        "src",
        "Cargo.toml",
        "Cargo.lock",
    ])?;
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

//! Writes rows with a chosen skew as libsvm text:
//!
//! ```sh
//! cargo run --release --example synthetic -- zipf:1.1 zipf.svm 50000
//! cargo run --release --example synthetic -- uniform uniform.svm 50000
//! ```

use std::process::ExitCode;

use wildsgd::data::{Synthetic, libsvm};
use wildsgd::internal::save;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (skew, out, examples) = match &arguments[..] {
        [skew, out, examples] => (skew, out, examples.parse().ok()),
        _ => return usage(),
    };
    let skew = match (
        skew.as_str(),
        skew.strip_prefix("zipf:").and_then(|exponent| exponent.parse().ok()),
    ) {
        ("uniform", _) => 0.0,
        (_, Some(exponent)) if exponent > 0.0 => exponent,
        _ => return usage(),
    };
    let Some(examples) = examples else { return usage() };
    let data = Synthetic { skew, examples, ..Synthetic::default() }.generate();
    match save::atomically(out, |mut out| libsvm::write(&data, &mut out)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> ExitCode {
    eprintln!("usage: synthetic uniform|zipf:EXPONENT OUT EXAMPLES");
    ExitCode::from(2)
}

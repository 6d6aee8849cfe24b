//! The command line.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use wildsgd_fuzz::{READERS, Reader};

/// The text of `--help`.
pub const USAGE: &str = "\
usage: fuzz READER [--seconds N] [--seed S] [FILE...]

Feeds mutated inputs to a reader of wildsgd: libsvm, ratings, cache, native, liblinear, or all.
What makes it panic, crash or hang is saved in artifacts/, with a line that says how to replay it.

  --seconds N  for how long; 0 reads the FILEs and the built-in inputs as they are [default: 10]
  --seed S     the same seed makes the same inputs, in the same order [default: from the clock]
  FILE         an input to start from, and the first one to be read";

/// A checked command line.
pub struct Arguments {
    pub readers: Vec<Reader>,
    pub seconds: u64,
    pub seed: u64,
    pub files: Vec<PathBuf>,
}

impl Arguments {
    /// `None` if help was asked for.
    pub fn parse(mut words: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let clock = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut seconds = 10;
        let mut seed = u64::from(clock.subsec_nanos());
        let (mut readers, mut files) = (None, Vec::new());
        while let Some(word) = words.next() {
            let number = |value: Option<String>| {
                let value = value.ok_or(format!("`{word}` is not followed by a number"))?;
                value.parse().map_err(|_| format!("`{word} {value}` (expected a whole number)"))
            };
            match word.as_str() {
                "-h" | "--help" => return Ok(None),
                "--seconds" => seconds = number(words.next())?,
                "--seed" => seed = number(words.next())?,
                option if option.starts_with("--") => {
                    return Err(format!("unknown option `{option}`"));
                }
                name if readers.is_none() => readers = Some(named(name)?),
                file => files.push(PathBuf::from(file)),
            }
        }
        let readers = readers.ok_or("no reader is named")?;
        Ok(Some(Arguments { readers, seconds, seed, files }))
    }

    /// The words that make a child fuzz `reader`.
    pub fn for_child(&self, reader: Reader) -> Vec<String> {
        let mut words = vec![reader.name.to_string()];
        words.extend(["--seconds".into(), self.seconds.to_string()]);
        words.extend(["--seed".into(), self.seed.to_string()]);
        words.extend(self.files.iter().map(|file| file.display().to_string()));
        words
    }
}

fn named(name: &str) -> Result<Vec<Reader>, String> {
    if name == "all" {
        return Ok(READERS.to_vec());
    }
    let found = READERS.into_iter().find(|reader| reader.name == name);
    found.map(|reader| vec![reader]).ok_or(format!("there is no reader `{name}`"))
}

//! Free memory, and estimates of the memory that loading takes.

use std::fs;
use std::path::Path;

/// Parses a size in bytes: a number, optionally followed by K, M, G or T for a power of 1024.
pub fn size(text: &str) -> Result<usize, String> {
    let expected = || "expected a number of bytes, 1M or more, such as 512M or 2G".to_string();
    let (digits, shift) = match text.char_indices().last() {
        Some((at, unit)) if !unit.is_ascii_digit() => {
            let power = "KMGT".find(unit.to_ascii_uppercase()).ok_or_else(expected)?;
            (&text[..at], 10 * (power as u32 + 1))
        }
        _ => (text, 0),
    };
    let number: usize = digits.parse().map_err(|_| expected())?;
    number.checked_mul(1 << shift).filter(|&bytes| bytes >= 1 << 20).ok_or_else(expected)
}

/// Estimates the peak memory of loading the text at `path`; `None` if it cannot be known.
pub fn estimate(path: &Path) -> Option<u64> {
    /// An entry takes at least 4 bytes of text, and 8 in memory.
    const PLAIN: u64 = 2;
    /// Text of numbers rarely shrinks below a tenth, and streams take up to twice the arrays.
    const COMPRESSED: u64 = 40;
    let file = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    let times = if wildsgd::data::source::is_compressed(path) { COMPRESSED } else { PLAIN };
    Some(file.len().saturating_mul(times))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        assert_eq!(size("512M"), Ok(512 << 20));
        assert_eq!(size("2g"), Ok(2 << 30));
        assert_eq!(size("1048576"), Ok(1 << 20));
        assert_eq!(size("1024K"), Ok(1 << 20));
        for wrong in ["", "M", "1", "1K", "-1G", "1.5G", "2GB", "99999999999999T", "2 G", "1é"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }
}

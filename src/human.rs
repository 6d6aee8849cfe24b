//! Numbers in the form that people read.

use std::fmt::{self, Display};

/// A count, with its digits in groups of three: `1,048,576`.
pub(crate) struct Count(pub u64);

impl Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        let (first, rest) = digits.split_at((digits.len() - 1) % 3 + 1);
        f.write_str(first)?;
        (0..rest.len()).step_by(3).try_for_each(|at| write!(f, ",{}", &rest[at..at + 3]))
    }
}

/// A size in bytes, in the largest binary unit that does not exceed it: `1.43 MiB`.
pub(crate) struct Bytes(pub u64);

impl Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
        let power = self.0.checked_ilog2().unwrap_or(0) / 10;
        match power.checked_sub(1) {
            None => write!(f, "{} B", self.0),
            Some(unit) => {
                let size = self.0 as f64 / 1024_f64.powi(power as i32);
                write!(f, "{size:.2} {}", UNITS[unit as usize])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_come_in_groups() {
        let texts = [0, 7, 999, 1_000, 21_024, 654_321, u64::MAX].map(|n| Count(n).to_string());
        assert_eq!(
            texts,
            ["0", "7", "999", "1,000", "21,024", "654,321", "18,446,744,073,709,551,615"]
        );
    }

    #[test]
    fn sizes_have_the_largest_unit() {
        let sizes = [0, 1023, 1024, 1_500_000, 48 << 30, u64::MAX].map(|n| Bytes(n).to_string());
        assert_eq!(sizes, ["0 B", "1023 B", "1.00 KiB", "1.43 MiB", "48.00 GiB", "16.00 EiB"]);
    }
}

//! The examples' parts of the gap, sorted into size classes: choosing the smallest needs no sort.

/// Number of size classes: class 0 for parts that are 0, one for each power of 2 for the others.
pub(super) const CLASSES: usize = 256;

/// Size classes of the examples' parts of the gap.
pub(super) struct Parts {
    /// The size class of each example's part.
    pub(super) sizes: Vec<u8>,
    /// The sum of the parts in each class.
    pub(super) sums: [f64; CLASSES],
}

impl Parts {
    /// Allocates the classes of `terms` examples, whose parts are not known yet.
    pub(super) fn new(terms: usize) -> Self {
        Parts { sizes: vec![0; terms], sums: [0.0; CLASSES] }
    }
}

/// Returns the size class of a part above 0: its power of 2, from 2^-127 on.
pub(super) fn class(part: f64) -> u8 {
    let exponent = (part.to_bits() >> 52) as i64 - 1023;
    (exponent + 128).clamp(1, CLASSES as i64 - 1) as u8
}

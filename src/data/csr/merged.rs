//! Values of one feature that f32 does not tell apart.

use std::collections::HashMap;

/// Two values of a feature that differ in the text and are one as f32.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct MergedValues {
    /// The feature's number in the text.
    pub feature: u32,
    /// The two values.
    pub values: [f64; 2],
}

/// Values from here on differ by 1 and are still one as f32.
pub(in crate::data) const LARGE: f32 = 16_777_216.0;
/// Most values that are remembered at a time.
const MOST: usize = 4096;

/// Finds such values among those that are given to it.
#[derive(Debug, Default)]
pub(in crate::data) struct Merging {
    /// By feature and f32: the value in the text that was seen first.
    seen: HashMap<(u32, u32), f64>,
    found: Option<MergedValues>,
}

impl Merging {
    /// Returns true while none were found and there is room for more.
    pub(in crate::data) fn goes_on(&self) -> bool {
        self.found.is_none() && self.seen.len() < MOST
    }

    /// Adds a value, as f32 and as it is in the text.
    pub(in crate::data) fn add(&mut self, feature: u32, rounded: f32, exact: f64) {
        let first = *self.seen.entry((feature, rounded.to_bits())).or_insert(exact);
        if first != exact {
            self.found = Some(MergedValues { feature, values: [first, exact] });
        }
    }

    pub(in crate::data) fn found(&self) -> Option<MergedValues> {
        self.found
    }

    pub(in crate::data) fn reset(&mut self, found: Option<MergedValues>) {
        self.seen.clear();
        self.found = found;
    }
}

/// Returns the one of the lower feature, whatever the order in which threads find them.
pub(in crate::data) fn first(
    a: Option<MergedValues>,
    b: Option<MergedValues>,
) -> Option<MergedValues> {
    let key = |found: &MergedValues| (found.feature, found.values.map(f64::to_bits));
    match (a, b) {
        (Some(a), Some(b)) => Some(if key(&b) < key(&a) { b } else { a }),
        (a, b) => a.or(b),
    }
}

//! Options of the libsvm format.

/// The number from which a text counts its features.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IndexBase {
    /// 0 if index 0 occurs anywhere in the text, else 1. Then the largest index is 4294967294.
    Auto,
    /// Index 0 is the first feature. The largest index is 4294967294.
    Zero,
    /// Index 1 is the first feature, and 0 an error. The largest index is 4294967295.
    #[default]
    One,
}

impl IndexBase {
    /// The lowest index that a text may use.
    pub(super) fn lowest(self) -> u32 {
        u32::from(self == IndexBase::One)
    }

    /// The largest index, which keeps the number of features within u32. [`IndexBase::Auto`] cannot
    /// allow more, as 0 may still come.
    pub(super) fn largest(self) -> u32 {
        u32::MAX - 1 + self.lowest()
    }
}

/// Options of [`parse`](super::parse).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseOptions {
    /// The number from which features are counted. Default: [`IndexBase::One`].
    pub index_base: IndexBase,
    /// Longest legal line in bytes, without its line feed. Default: 256 MiB.
    pub max_line: usize,
}

impl Default for ParseOptions {
    fn default() -> Self {
        ParseOptions { index_base: IndexBase::default(), max_line: 256 << 20 }
    }
}

//! The reasons to stop the assembly of rows.

/// The reason why the arrays could not be filled.
#[derive(Debug, PartialEq)]
pub(in crate::data) enum Stop<E> {
    /// A value is not 1, and there was no array for values.
    Values,
    /// A part does not have the rows, or a row the entries, that the layout was made for.
    Changed,
    /// The part could not be read.
    Unread(E),
}

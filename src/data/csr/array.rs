//! Numbers in memory, or in place in a mapped file.

use crate::data::map::Map;
use bytemuck::{AnyBitPattern, try_cast_slice};
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, Range};
use std::sync::Arc;

/// An array of a data set. Each access checks which variant it is: take the slice once, not for
/// each row.
#[derive(Clone)]
pub(in crate::data) enum Array<T> {
    Memory(Vec<T>),
    Mapped(Mapped<T>),
}

/// A part of a map, which starts and ends at whole numbers.
pub(in crate::data) struct Mapped<T> {
    map: Arc<Map>,
    bytes: Range<usize>,
    kind: PhantomData<T>,
}

impl<T: AnyBitPattern> Array<T> {
    /// The numbers in `bytes` of `map`, in the machine's byte order. `None` if these are outside of
    /// it, or are not whole, aligned numbers.
    pub(in crate::data) fn mapped(map: &Arc<Map>, bytes: Range<usize>) -> Option<Self> {
        try_cast_slice::<u8, T>(map.get(bytes.clone())?).ok()?;
        Some(Array::Mapped(Mapped { map: map.clone(), bytes, kind: PhantomData }))
    }
}

impl<T: AnyBitPattern> Deref for Array<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match self {
            Array::Memory(numbers) => numbers,
            Array::Mapped(part) => try_cast_slice(&part.map[part.bytes.clone()])
                .expect("checked when the array was made"),
        }
    }
}

impl<T> From<Vec<T>> for Array<T> {
    fn from(numbers: Vec<T>) -> Self {
        Array::Memory(numbers)
    }
}

impl<T> Clone for Mapped<T> {
    fn clone(&self) -> Self {
        Mapped { map: self.map.clone(), bytes: self.bytes.clone(), kind: PhantomData }
    }
}

impl<T: AnyBitPattern + PartialEq> PartialEq for Array<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: AnyBitPattern + fmt::Debug> fmt::Debug for Array<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

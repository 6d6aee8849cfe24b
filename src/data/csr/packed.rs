//! Rows that wait for their places, in less memory than they take there.
//!
//! Only the gaps between the indices of a row are kept, seven bits per byte: mostly one or two
//! bytes instead of four.

use super::{Block, MergedValues};

/// The rows of a [`Block`], packed.
#[derive(Debug)]
pub(in crate::data) struct Packed {
    lengths: Box<[u32]>,
    labels: Box<[f64]>,
    gaps: Box<[u8]>,
    values: Option<Box<[f32]>>,
    merged: Option<MergedValues>,
}

impl Packed {
    /// Packs the rows of `block`, in exactly the memory that they need.
    pub(in crate::data) fn of(block: &Block) -> Self {
        let mut gaps = Vec::with_capacity(2 * block.indices().len());
        let mut indices = block.indices();
        for &length in block.lengths() {
            let (row, rest) = indices.split_at(length as usize);
            indices = rest;
            let mut before = 0;
            for &index in row {
                push(&mut gaps, index - before);
                before = index;
            }
        }
        Packed {
            lengths: block.lengths().into(),
            labels: block.labels().into(),
            gaps: gaps.into(),
            values: block.values().map(Box::from),
            merged: block.merged(),
        }
    }

    /// Number of rows.
    pub(in crate::data) fn len(&self) -> usize {
        self.lengths.len()
    }

    /// Number of entries of all rows.
    pub(in crate::data) fn entries(&self) -> usize {
        self.lengths.iter().map(|&length| length as usize).sum()
    }

    /// Bytes that the packed rows take.
    pub(in crate::data) fn memory(&self) -> u64 {
        let values = self.values.as_ref().map_or(0, |values| size_of_val(&**values));
        let rows = size_of_val(&*self.lengths) + size_of_val(&*self.labels);
        (rows + self.gaps.len() + values) as u64
    }

    /// Number of entries of each row.
    pub(in crate::data) fn lengths(&self) -> &[u32] {
        &self.lengths
    }

    /// Returns true if there is an array of values: some value is not 1.
    pub(in crate::data) fn has_values(&self) -> bool {
        self.values.is_some()
    }

    /// Unpacks the rows into `block`, in place of those before.
    pub(in crate::data) fn unpack(&self, block: &mut Block) {
        block.clear(self.lengths.len(), self.entries());
        block.set_merged(self.merged);
        let mut gaps = self.gaps.iter();
        let mut from = 0;
        for (&length, &label) in self.lengths.iter().zip(&self.labels) {
            let to = from + length as usize;
            let mut index = 0;
            match &self.values {
                None => (from..to).for_each(|_| {
                    index += pull(&mut gaps);
                    block.entry(index, 1.0);
                }),
                Some(values) => values[from..to].iter().for_each(|&value| {
                    index += pull(&mut gaps);
                    block.entry(index, value);
                }),
            }
            block.end_row(label);
            from = to;
        }
    }
}

/// Appends `gap`, its lowest bits first. Each byte but the last has its highest bit set.
#[inline(always)]
fn push(gaps: &mut Vec<u8>, mut gap: u32) {
    while gap >= 0x80 {
        gaps.push(gap as u8 | 0x80);
        gap >>= 7;
    }
    gaps.push(gap as u8);
}

#[inline(always)]
fn pull<'a>(gaps: &mut impl Iterator<Item = &'a u8>) -> u32 {
    let mut gap = 0;
    let mut shift = 0;
    loop {
        let byte = *gaps.next().expect("there is a gap for each entry");
        gap |= u32::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return gap;
        }
        shift += 7;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rows_of_ones_have_no_values() {
        let mut block = Block::default();
        block.entry(7, 1.0);
        block.end_row(2.0);
        let packed = Packed::of(&block);
        assert!(!packed.has_values() && packed.gaps.len() == 1);
    }

    proptest! {
        #[test]
        fn rows_come_back(
            rows in prop::collection::vec(
                (any::<f64>(), prop::collection::btree_map(any::<u32>(), any::<f32>(), 0..9)),
                0..20,
            ),
            ones: bool,
        ) {
            let mut block = Block::default();
            for (label, row) in &rows {
                row.iter().for_each(|(&index, &value)| block.entry(index, if ones { 1.0 } else { value }));
                block.end_row(*label);
            }
            let packed = Packed::of(&block);
            let mut back = Block::default();
            back.entry(3, 0.5);
            back.end_row(1.0);
            packed.unpack(&mut back);
            let bits = |values: Option<&[f32]>| {
                values.map(|values| values.iter().map(|x| x.to_bits()).collect::<Vec<_>>())
            };
            prop_assert_eq!(back.lengths(), block.lengths());
            prop_assert_eq!(back.indices(), block.indices());
            let labels = |block: &Block| -> Vec<u64> {
                block.labels().iter().map(|label| label.to_bits()).collect()
            };
            prop_assert_eq!(labels(&back), labels(&block));
            prop_assert_eq!(bits(back.values()), bits(block.values()));
            prop_assert_eq!((back.width(), back.has_zero()), (block.width(), block.has_zero()));
        }
    }
}

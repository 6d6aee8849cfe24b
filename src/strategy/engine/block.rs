//! A block of terms, as a strategy passes it to a rule.

use std::iter::Enumerate;
use std::slice;

/// Terms that are visited one after the other, and terms after them to prefetch.
#[derive(Clone, Copy, Debug)]
pub struct Block<'a> {
    terms: &'a [usize],
    count: usize,
    ahead: usize,
}

/// A term's offset record is prefetched this many times as far ahead as its data.
const FARTHER: usize = 2;

impl<'a> Block<'a> {
    /// Creates a block of the first `count` of `terms`. A term's data is prefetched `ahead` visits
    /// before its own.
    ///
    /// # Panics
    /// If there are fewer terms.
    pub fn new(terms: &'a [usize], count: usize, ahead: usize) -> Self {
        assert!(count <= terms.len(), "{count} of {} terms", terms.len());
        Block { terms, count, ahead }
    }

    /// Returns the block's terms.
    pub fn terms(self) -> &'a [usize] {
        &self.terms[..self.count]
    }

    /// Returns each term as a block of one, with the same terms to prefetch.
    pub fn singles(self) -> impl Iterator<Item = Block<'a>> {
        (0..self.count).map(move |k| Block { terms: &self.terms[k..], count: 1, ahead: self.ahead })
    }

    /// Returns the terms in turn, each with the terms to prefetch before its visit.
    #[inline(always)]
    pub(crate) fn visits(self) -> Visits<'a> {
        let Block { terms, count, ahead } = self;
        Visits { visited: terms[..count].iter().enumerate(), terms, ahead }
    }
}

/// The terms of a [`Block`], each with the terms to prefetch before its visit.
#[derive(Clone, Debug)]
pub(crate) struct Visits<'a> {
    visited: Enumerate<slice::Iter<'a, usize>>,
    terms: &'a [usize],
    ahead: usize,
}

/// The terms to prefetch before a visit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ahead {
    /// A term some visits later, whose data is to be prefetched.
    pub(crate) memory: Option<usize>,
    /// A later term, whose offset record is to be prefetched.
    pub(crate) offset: Option<usize>,
}

impl Iterator for Visits<'_> {
    type Item = (usize, Ahead);

    #[inline(always)]
    fn next(&mut self) -> Option<(usize, Ahead)> {
        let (k, &term) = self.visited.next()?;
        let after = |visits: usize| self.terms.get(k + visits).copied();
        Some((term, Ahead { memory: after(self.ahead), offset: after(FARTHER * self.ahead) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_terms_are_prefetched_and_only_the_first_are_visited() {
        let terms: Vec<usize> = (10..20).collect();
        let visits: Vec<_> = Block::new(&terms, 6, 3).visits().collect();
        let ahead = |term| Ahead {
            memory: Some(term + 3),
            offset: Some(term + 6).filter(|&term| term < 20),
        };
        assert_eq!(visits, (10..16).map(|term| (term, ahead(term))).collect::<Vec<_>>());
        let last = Block::new(&terms[8..], 2, 3).visits().last();
        assert_eq!(last, Some((19, Ahead { memory: None, offset: None })));
    }
}

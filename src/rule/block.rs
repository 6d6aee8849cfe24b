//! A block of terms, as a worker hands it to a rule.

/// Terms that are visited one after the other, and some that come after them.
#[derive(Clone, Copy, Debug)]
pub struct Block<'a> {
    terms: &'a [usize],
    count: usize,
    ahead: usize,
}

/// How many times as far ahead the places of terms are asked for as the terms' memory.
const PLACES: usize = 2;

impl<'a> Block<'a> {
    /// The first `count` of `terms`. The memory of a term is best asked for `ahead` visits before its own.
    ///
    /// # Panics
    /// If there are fewer terms.
    pub fn new(terms: &'a [usize], count: usize, ahead: usize) -> Self {
        assert!(count <= terms.len(), "{count} of {} terms", terms.len());
        Block { terms, count, ahead }
    }

    /// Calls `visit` with each term in turn, and before that, `prefetch` with the one that comes some visits later, and
    /// `prefetch_place` with one still later.
    #[inline(always)]
    pub fn for_each(
        self,
        prefetch_place: impl Fn(usize),
        prefetch: impl Fn(usize),
        mut visit: impl FnMut(usize),
    ) {
        for (k, &term) in self.terms[..self.count].iter().enumerate() {
            if let Some(&later) = self.terms.get(k + PLACES * self.ahead) {
                prefetch_place(later);
            }
            if let Some(&later) = self.terms.get(k + self.ahead) {
                prefetch(later);
            }
            visit(term);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn what_comes_later_is_asked_for_before_and_only_the_first_are_visited() {
        let terms: Vec<usize> = (10..20).collect();
        let [places, memory, visits] = [(); 3].map(|()| RefCell::new(Vec::new()));
        let note = |to: &RefCell<Vec<usize>>, term| to.borrow_mut().push(term);
        Block::new(&terms, 6, 3).for_each(|t| note(&places, t), |t| note(&memory, t), |t| note(&visits, t));
        assert_eq!(visits.into_inner(), [10, 11, 12, 13, 14, 15]);
        assert_eq!(memory.into_inner(), [13, 14, 15, 16, 17, 18]);
        assert_eq!(places.into_inner(), [16, 17, 18, 19]);
    }
}

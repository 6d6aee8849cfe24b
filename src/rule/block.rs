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

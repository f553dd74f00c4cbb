//! `Grouping`: coarse bins as sums of fine ones, so that a row is looked up once and every method can have its bins.

/// Which coarse bin each fine bin belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grouping {
    /// By fine bin; coarse bins are numbered from 0 without gaps.
    group_of: Vec<usize>,
    groups: usize,
}

impl Grouping {
    /// From the coarse bin of each fine bin.
    pub fn new(group_of: Vec<usize>) -> Self {
        let groups = group_of.iter().max().map_or(0, |largest| largest + 1);
        Grouping { group_of, groups }
    }

    /// Number of coarse bins.
    pub fn len(&self) -> usize {
        self.groups
    }

    /// True where there is no bin at all.
    pub fn is_empty(&self) -> bool {
        self.groups == 0
    }

    /// Which coarse bin a fine bin belongs to; there is none for what is no fine bin.
    pub fn of(&self, fine: usize) -> Option<usize> {
        self.group_of.get(fine).copied()
    }

    /// Counts per coarse bin.
    ///
    /// # Panics
    /// If `fine` has another number of bins.
    pub fn sum(&self, fine: &[i64]) -> Vec<i64> {
        assert_eq!(fine.len(), self.group_of.len(), "one count per fine bin");
        let mut coarse = vec![0; self.groups];
        for (&group, &count) in self.group_of.iter().zip(fine) {
            coarse[group] += count;
        }
        coarse
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_in_one_coarse_bin() {
        let grouping = Grouping::new(vec![0, 0, 1, 2, 1]);
        assert_eq!(grouping.len(), 3);
        assert_eq!(grouping.sum(&[1, 2, 3, 4, 5]), [3, 8, 4]);
        assert!(Grouping::new(Vec::new()).is_empty());
    }
}

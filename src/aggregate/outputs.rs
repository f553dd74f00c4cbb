//! `OutputSums`: what a model gave out, added up per bin of a feature, in the whole units that the reference chose. Integers, so
//! that the sums are exact and merge in any order.

/// Outputs of the rows in one bin.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OutputSum {
    /// Rows with an output.
    pub rows: i64,
    /// Their outputs, in units.
    pub sum: i64,
}

/// Outputs by bin.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OutputSums {
    /// Ascending; of bins that hold rows.
    bins: Vec<(u16, OutputSum)>,
}

impl OutputSums {
    /// Adds a row in `bin`, with its output in units.
    #[inline]
    pub fn add(&mut self, bin: u16, units: i64) {
        self.add_sum(bin, OutputSum { rows: 1, sum: units });
    }

    /// Adds everything that was added to `other`.
    pub fn merge(&mut self, other: &OutputSums) {
        other.bins.iter().for_each(|&(bin, sum)| self.add_sum(bin, sum));
    }

    #[inline]
    fn add_sum(&mut self, bin: u16, added: OutputSum) {
        let place = match self.bins.binary_search_by_key(&bin, |(at, _)| *at) {
            Ok(place) => place,
            Err(place) => {
                self.bins.insert(place, (bin, OutputSum::default()));
                place
            }
        };
        let sum = &mut self.bins[place].1;
        // The unit leaves room for half a billion of the largest outputs, so nothing is ever cut off here.
        *sum = OutputSum { rows: sum.rows.saturating_add(added.rows), sum: sum.sum.saturating_add(added.sum) };
    }

    /// Bins that hold rows, ascending.
    pub fn bins(&self) -> &[(u16, OutputSum)] {
        &self.bins
    }

    /// Of bins, ascending; `None` if they are none.
    pub fn of_bins(bins: Vec<(u16, OutputSum)>) -> Option<OutputSums> {
        let ascend = bins.windows(2).all(|pair| pair[0].0 < pair[1].0);
        (ascend && bins.iter().all(|(_, sum)| sum.rows > 0)).then_some(OutputSums { bins })
    }

    /// Each of so many bins.
    pub fn dense(&self, bins: usize) -> Vec<OutputSum> {
        let mut dense = vec![OutputSum::default(); bins];
        for &(bin, sum) in &self.bins {
            // The id of a profile names its content, so no bin is beyond them.
            if let Some(place) = dense.get_mut(usize::from(bin)) {
                *place = sum;
            }
        }
        dense
    }

    /// True if nothing was added.
    pub fn is_zero(&self) -> bool {
        self.bins.is_empty()
    }
}

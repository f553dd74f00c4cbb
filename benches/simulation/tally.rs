//! How many windows are called, with intervals.

use super::verdict::{ALPHA, Verdict};
use postdict::drift::Method;
use postdict::drift::decision::{Evidence, decide};
use postdict::metrics::Undefined;
use statrs::distribution::{Binomial, DiscreteCDF};

/// Some of so many.
#[derive(Clone, Copy, Default)]
pub struct Share {
    pub some: u64,
    pub all: u64,
}

impl Share {
    pub fn add(&mut self, is_one: bool) {
        self.some += u64::from(is_one);
        self.all += 1;
    }

    pub fn value(self) -> f64 {
        self.some as f64 / self.all.max(1) as f64
    }

    /// Probability of so many or more where each is one with probability α.
    pub fn p_value(self) -> f64 {
        let chance = Binomial::new(ALPHA, self.all).expect("a probability");
        self.some.checked_sub(1).map_or(1.0, |fewer| chance.sf(fewer))
    }

    /// Wilson's 95 % interval.
    pub fn interval(self) -> (f64, f64) {
        let z = 1.96;
        let (n, p) = (self.all.max(1) as f64, self.value());
        let center = (p + z * z / (2.0 * n)) / (1.0 + z * z / n);
        let half = z / (1.0 + z * z / n) * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
        ((center - half).max(0.0), (center + half).min(1.0))
    }
}

/// What windows of some number of columns were called.
#[derive(Clone, Default)]
pub struct Called {
    /// By method: windows with a column that drifted, by the method's own threshold and by none; then columns.
    pub ours: [[Share; 4]; 9],
    /// Windows with a column whose PSI is above 0.2.
    pub psi: Share,
    /// Windows with a column that NannyML calls.
    pub nannyml: Share,
    /// Windows with a column that Evidently calls.
    pub evidently: Share,
    /// Windows that Evidently calls a drift of the data set.
    pub evidently_set: Share,
}

impl Called {
    /// Adds a window.
    pub fn add(&mut self, columns: &[Verdict]) {
        for (place, shares) in self.ours.iter_mut().enumerate() {
            let evidence: Vec<Evidence> = columns.iter().map(|column| column.ours[place]).collect();
            let (own, none) = (drifted(&evidence, true), drifted(&evidence, false));
            shares[0].add(own > 0);
            shares[1].add(none > 0);
            for (share, drifted) in shares[2..].iter_mut().zip([own, none]) {
                share.some += drifted;
                share.all += columns.len() as u64;
            }
        }
        self.psi.add(columns.iter().any(|column| column.psi));
        self.nannyml.add(columns.iter().any(|column| column.nannyml));
        let evidently = columns.iter().filter(|column| column.evidently).count();
        self.evidently.add(evidently > 0);
        self.evidently_set.add(2 * evidently >= columns.len());
    }

    /// The share of windows, or of columns, by a method, with its own threshold or none.
    pub fn of(&self, method: Method, is_of_columns: bool, has_threshold: bool) -> Share {
        let place = Method::ALL.iter().position(|other| *other == method).expect("all are there");
        self.ours[place][2 * usize::from(is_of_columns) + usize::from(!has_threshold)]
    }
}

/// Columns of a window that drifted.
pub fn drifted(evidence: &[Evidence], has_threshold: bool) -> u64 {
    if evidence.iter().all(|evidence| evidence.p_value > ALPHA) {
        return 0;
    }
    let threshold = |evidence: &Evidence| if has_threshold { evidence.threshold } else { 0.0 };
    let evidence: Vec<Result<Evidence, Undefined>> =
        evidence.iter().map(|evidence| Ok(Evidence { threshold: threshold(evidence), ..*evidence })).collect();
    decide(&evidence, ALPHA).iter().flatten().filter(|decision| decision.drifted).count() as u64
}

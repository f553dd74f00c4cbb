//! The distributions of columns, and how they change.

use super::random::normal_quantile;

/// How the values of a column lie.
#[derive(Clone)]
pub struct Law {
    /// For the tables.
    pub name: &'static str,
    /// What is not missing.
    pub values: Values,
    /// Share of missing values.
    pub missing: f64,
}

/// What is not missing.
#[derive(Clone)]
pub enum Values {
    /// `offset + factor · curve`.
    Curve { curve: Curve, offset: f64, factor: f64 },
    /// Weights of values 0, 1, …: numbers, or the texts `v0`, `v1`, …
    Weights { weights: Vec<f64>, are_numbers: bool },
}

/// A continuous distribution.
#[derive(Clone, Copy, PartialEq)]
pub enum Curve {
    /// Mean 0, standard deviation 1.
    Normal,
    /// exp of it.
    LogNormal,
}

impl Curve {
    /// Mean and standard deviation.
    pub fn moments(self) -> (f64, f64) {
        let e = std::f64::consts::E;
        match self {
            Curve::Normal => (0.0, 1.0),
            Curve::LogNormal => (e.sqrt(), (e * (e - 1.0)).sqrt()),
        }
    }

    /// About what the skewness of a sample is; it only says how many bins NumPy makes.
    pub fn skewness(self) -> f64 {
        if self == Curve::Normal { 0.0 } else { 6.0 }
    }

    pub fn quantile(self, u: f64) -> f64 {
        let z = normal_quantile(u);
        if self == Curve::Normal { z } else { z.exp() }
    }

    pub fn cdf(self, x: f64) -> f64 {
        let z = match self {
            Curve::Normal => x,
            Curve::LogNormal if x <= 0.0 => return 0.0,
            Curve::LogNormal => x.ln(),
        };
        0.5 * libm::erfc(-z * std::f64::consts::FRAC_1_SQRT_2)
    }
}

fn curve(name: &'static str, curve: Curve, missing: f64) -> Law {
    Law { name, values: Values::Curve { curve, offset: 0.0, factor: 1.0 }, missing }
}

fn weights(name: &'static str, are_numbers: bool, weights: impl Iterator<Item = f64>) -> Law {
    // One more, without a row: a value that is new.
    Law { name, values: Values::Weights { weights: weights.chain([0.0]).collect(), are_numbers }, missing: 0.0 }
}

/// The columns of every table, in turn.
pub fn laws() -> [Law; 7] {
    [
        curve("normal", Curve::Normal, 0.0),
        weights("5 values", false, [0.4, 0.25, 0.2, 0.1, 0.05].into_iter()),
        curve("log-normal", Curve::LogNormal, 0.0),
        weights("50 values", false, (0..50).map(|i| 1.0 / (10.0 + f64::from(i)))),
        weights("7 integers", true, (0..7).map(|_| 1.0)),
        weights("Zipf, 1,000 values", false, (1..=1000).map(|i| 1.0 / f64::from(i))),
        curve("10 % missing", Curve::Normal, 0.1),
    ]
}

/// What happens to a column.
#[derive(Clone, Copy)]
pub enum Change {
    /// The mean moves by so many standard deviations.
    Mean(f64),
    /// The distance from the mean is multiplied.
    Scale(f64),
    /// So many more are missing, of all rows.
    Missing(f64),
    /// The most frequent value becomes half as frequent.
    Halved,
    /// A new value has this share.
    New(f64),
}

impl Law {
    /// The law after a change.
    pub fn changed(&self, change: Change) -> Law {
        let mut law = self.clone();
        match (change, &mut law.values) {
            (Change::Mean(by), Values::Curve { curve, offset, .. }) => *offset += by * curve.moments().1,
            (Change::Scale(by), Values::Curve { curve, offset, factor }) => {
                *factor = by;
                *offset += curve.moments().0 * (1.0 - by);
            }
            (Change::Missing(by), _) => law.missing += by,
            (Change::Halved, Values::Weights { weights, .. }) => weights[0] *= half(weights),
            (Change::New(share), Values::Weights { weights, .. }) => {
                let rest: f64 = weights.iter().sum();
                *weights.last_mut().expect("there is a place for it") = rest * share / (1.0 - share);
            }
            _ => panic!("this cannot happen to such a column"),
        }
        law
    }
}

/// By what the first weight is multiplied to make its share half of what it was.
fn half(weights: &[f64]) -> f64 {
    let all: f64 = weights.iter().sum();
    let (share, rest) = (weights[0] / all, 1.0 - weights[0] / all);
    0.5 * rest / (1.0 - 0.5 * share)
}

impl Law {
    /// The number below which a share of `u` lies; of a continuous law.
    pub fn quantile(&self, u: f64) -> f64 {
        let Values::Curve { curve, offset, factor } = &self.values else { panic!("no continuous law") };
        offset + factor * curve.quantile(u)
    }

    /// Share of the numbers below `x`; of a continuous law.
    pub fn cdf(&self, x: f64) -> f64 {
        let Values::Curve { curve, offset, factor } = &self.values else { panic!("no continuous law") };
        curve.cdf((x - offset) / factor)
    }
}

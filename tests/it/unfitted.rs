//! Bins of features that no reference made, computed as the documentation says, sharing nothing with the code: for values
//! one by one, with nothing but arithmetic.

use siphasher::sip::SipHasher13;
use std::hash::Hasher;

/// Where the bin of a number begins, and whether what is there is more than one double: bins in their order.
pub type Bin = (f64, bool);

/// The bin of a number.
pub fn bin(number: f64) -> Bin {
    let tiny = 2.0f64.powi(-30);
    if number.fract() == 0.0 && number.abs() <= 32.0 {
        return (number + 0.0, false);
    }
    if number.abs() < tiny || number == -tiny {
        return if number < 0.0 { (-tiny, true) } else { (0.0, true) };
    }
    // The octave from 2^power on; below zero a bin ends, and does not begin, at the smaller magnitude.
    let mut power = -30;
    while if number > 0.0 { number >= 2.0f64.powi(power + 1) } else { -number > 2.0f64.powi(power + 1) } {
        power += 1;
    }
    let bins = if (-10..20).contains(&power) { 16.0 } else { 4.0 };
    let width = 2.0f64.powi(power) / bins;
    ((number / width).floor() * width, true)
}

/// Rows of `numbers` per tenth of the rows of `reference`, by where the middle row of each bin is.
pub fn by_tenth(reference: &[f64], numbers: &[f64]) -> Vec<f64> {
    let mut known: Vec<Bin> = reference.iter().map(|number| bin(*number)).collect();
    known.sort_by(|a, b| a.partial_cmp(b).unwrap());
    let mut counts = vec![0.0; 10];
    for number in numbers {
        let bin = bin(*number);
        let (below, until) =
            (known.partition_point(|other| *other < bin), known.partition_point(|other| *other <= bin));
        let tenth = if known.is_empty() { 0 } else { 10 * (below + until) / (2 * known.len()) };
        counts[tenth.min(9)] += 1.0;
    }
    counts
}

/// Rows of `texts` per bin of the hash.
pub fn by_hash<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<f64> {
    let mut counts = vec![0.0; 128];
    for text in texts {
        let keys = [b"postdict", b"category"].map(|key| u64::from_be_bytes(*key));
        let mut hash = SipHasher13::new_with_keys(keys[0], keys[1]);
        hash.write(text.as_bytes());
        counts[(hash.finish() / (u64::MAX / 128 + 1)) as usize] += 1.0;
    }
    counts
}

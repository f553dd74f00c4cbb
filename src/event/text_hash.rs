//! `TextHash`: the hash of a text, taken in parts, so that a number need not be written out first.

use siphasher::sip::SipHasher13;
use std::fmt::{self, Write};
use std::hash::Hasher;

/// SipHash-1-3 of the UTF-8 of what is written to it.
#[derive(Debug)]
pub struct TextHash(SipHasher13);

impl TextHash {
    /// The hash of what `write` writes, under these keys: what is stored may depend on them.
    pub fn of(keys: (u64, u64), write: impl FnOnce(&mut TextHash) -> fmt::Result) -> u64 {
        let mut hash = TextHash(SipHasher13::new_with_keys(keys.0, keys.1));
        write(&mut hash).expect("a hash takes any text");
        hash.0.finish()
    }

    /// Writes a number as [`number_as_class`](super::label::number_as_class) does: −0 as 0, else the shortest text that reads
    /// back as the number.
    pub fn write_number(&mut self, number: f64) -> fmt::Result {
        write!(self, "{}", number + 0.0)
    }
}

impl Write for TextHash {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        self.0.write(part.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::label::number_as_class;

    #[test]
    fn a_number_is_its_text_and_parts_are_the_whole() {
        let of = |write: &dyn Fn(&mut TextHash) -> fmt::Result| TextHash::of((1, 2), |hash| write(hash));
        for number in [0.0, -0.0, 7.0, -2.5, 1e300, 0.1] {
            let text = number_as_class(number);
            assert_eq!(of(&|hash| hash.write_number(number)), of(&|hash| hash.write_str(&text)), "{number}");
        }
        assert_eq!(
            of(&|hash| hash.write_str("ab").and_then(|()| hash.write_str("c"))),
            of(&|hash| hash.write_str("abc"))
        );
    }
}

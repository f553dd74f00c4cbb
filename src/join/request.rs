//! The join key: a 128-bit keyed hash of the request id.
//!
//! Rows keep the hash instead of the id, so a waiting prediction has a fixed size. At 10⁹ ids the chance that any two
//! collide is below 10⁻²⁰. SipHash-1-3 is keyed, so ids that were crafted to collide elsewhere do not collide here.

use siphasher::sip128::{Hasher128, SipHasher13};
use std::hash::Hasher;

/// Hash of a request id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestKey(pub u128);

impl RequestKey {
    /// Key of the hash. State on disk refers to hashes made with it: changing it makes all waiting predictions unreachable.
    const SECRET: (u64, u64) = (0x706f_7374_6469_6374, 0x6f6e_6520_7472_7574);

    /// Hashes `request_id`.
    pub fn of(request_id: &str) -> Self {
        let mut hasher = SipHasher13::new_with_keys(Self::SECRET.0, Self::SECRET.1);
        hasher.write(request_id.as_bytes());
        RequestKey(hasher.finish128().as_u128())
    }

    /// The half that tables are indexed by.
    pub fn low(self) -> u64 {
        self.0 as u64
    }

    /// The half that sorted rows are searched by.
    pub fn high(self) -> u64 {
        (self.0 >> 64) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_pinned_because_stored_state_depends_on_it() {
        assert_eq!(RequestKey::of("").0, 0x109d_5794_cb0d_6861_c8f4_a81a_078a_b91a);
        assert_ne!(RequestKey::of("a"), RequestKey::of("b"));
    }
}

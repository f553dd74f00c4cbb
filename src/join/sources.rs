//! Where labels came from, interned: a remembered label names its file or partition in two bytes, so that a dead letter
//! can name the place of a label which proves unreadable long after it was read.

use crate::event::{Origin, Role};

/// Files or partitions that labels were read from, in the order of their first label.
#[derive(Debug, Default)]
pub struct Sources {
    origins: Vec<Origin>,
}

impl Sources {
    /// Most that are told apart; labels of further ones have no known place.
    const CAP: usize = u16::MAX as usize;

    /// The number of `origin`, made if it is new.
    pub fn intern(&mut self, origin: &Origin) -> u16 {
        // Labels come in runs, so the last is the likely one.
        let known = self.origins.iter().rposition(|known| known == origin).unwrap_or_else(|| {
            if self.origins.len() < Self::CAP {
                self.origins.push(origin.clone());
                self.origins.len() - 1
            } else {
                Self::CAP
            }
        });
        u16::try_from(known).unwrap_or(u16::MAX)
    }

    /// All origins, by their number.
    pub fn all(&self) -> &[Origin] {
        &self.origins
    }

    /// The origin with number `source`.
    pub fn get(&self, source: u16) -> Origin {
        let unknown = || Origin { role: Role::Labels, topic: "".into(), partition: 0 };
        self.origins.get(usize::from(source)).cloned().unwrap_or_else(unknown)
    }
}

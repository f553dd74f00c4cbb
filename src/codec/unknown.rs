//! Builds which rows of a batch carry which features that no column takes. Neighbours mostly carry the same, so a row costs
//! one comparison per name.

use crate::event::unknown::{NameSet, UnknownFeatures};
use std::collections::BTreeMap;

/// The object whose members are noted by name where no column takes them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Watched {
    /// Where the object is; not the record itself.
    pub path: Vec<String>,
    /// Members that columns take, ascending.
    pub known: Vec<String>,
}

impl Watched {
    /// True if a column takes `member`.
    pub(crate) fn knows(&self, member: &str) -> bool {
        self.known.binary_search_by(|known| known.as_str().cmp(member)).is_ok()
    }
}

/// Builds the unknown features of a batch.
#[derive(Debug, Default)]
pub(crate) struct UnknownFeaturesBuilder {
    /// What the row before carries, in its order; from the first difference on, what the row that is being built does.
    names: Vec<Box<str>>,
    /// Names of the row that is being built, as far as they are those of the row before.
    alike: usize,
    /// The row that is being built is not like the one before.
    differs: bool,
    /// Code of the row before.
    code: u32,
    codes: Vec<u32>,
    by_set: BTreeMap<NameSet, u32>,
}

impl UnknownFeaturesBuilder {
    /// Adds a name to the row that is being built.
    #[inline]
    pub(crate) fn note(&mut self, name: &str) {
        if !self.differs {
            if self.names.get(self.alike).is_some_and(|known| **known == *name) {
                self.alike += 1;
                return;
            }
            self.names.truncate(self.alike);
            self.differs = true;
        }
        self.names.push(name.into());
    }

    /// Ends the row.
    #[inline]
    pub(crate) fn end_row(&mut self) {
        if self.differs || self.alike < self.names.len() {
            self.end_other_row();
        }
        (self.alike, self.differs) = (0, false);
        self.codes.push(self.code);
    }

    #[cold]
    fn end_other_row(&mut self) {
        if !self.differs {
            self.names.truncate(self.alike);
        }
        let mut set = NameSet::default();
        self.names.iter().for_each(|name| set.add(name));
        let next = self.by_set.len() as u32 + 1;
        self.code = if set.is_empty() { 0 } else { *self.by_set.entry(set).or_insert(next) };
    }

    /// Those of all rows since the last call.
    pub(crate) fn finish(&mut self) -> UnknownFeatures {
        let mut sets: Vec<(NameSet, u32)> = std::mem::take(&mut self.by_set).into_iter().collect();
        sets.sort_by_key(|(_, code)| *code);
        self.names.clear();
        self.code = 0;
        UnknownFeatures::new(sets.into_iter().map(|(set, _)| set).collect(), std::mem::take(&mut self.codes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn every_row_has_its_own_names(rows in prop::collection::vec(prop::collection::vec("[a-c]", 0..4), 0..30)) {
            let mut builder = UnknownFeaturesBuilder::default();
            // The second batch must not remember the first.
            for _ in 0..2 {
                for row in &rows {
                    row.iter().for_each(|name| builder.note(name));
                    builder.end_row();
                }
                let unknown = builder.finish();
                for (place, row) in rows.iter().enumerate() {
                    let found: Vec<&str> =
                        unknown.of(place).into_iter().flat_map(NameSet::names).map(|name| &**name).collect();
                    prop_assert_eq!(found, row.iter().map(String::as_str).collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>());
                }
            }
        }
    }
}

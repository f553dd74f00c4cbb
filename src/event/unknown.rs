//! Features that records carry although nobody asked for them, by name: a bounded number of names, and which rows have which.

use std::sync::Arc;

/// Names that are kept at most. More than this many new features at once are one event: a new schema.
pub const MAX_NAMES: usize = 32;
/// Of a longer name only what fits is kept.
const MAX_NAME_BYTES: usize = 256;

/// The smallest names, by text, of all that were added. So neither their order nor how they were spread over sets that are
/// merged later leaves a trace, and adding one twice changes nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct NameSet {
    /// Ascending.
    names: Vec<Arc<str>>,
}

impl NameSet {
    /// Adds a name.
    pub fn add(&mut self, name: &str) {
        let name = shortened(name);
        if let Some(place) = self.place(name) {
            self.insert(place, name.into());
        }
    }

    /// Adds all names of `other`.
    pub fn merge(&mut self, other: &NameSet) {
        for name in &other.names {
            if let Some(place) = self.place(name) {
                self.insert(place, Arc::clone(name));
            }
        }
    }

    /// Ascending.
    pub fn names(&self) -> &[Arc<str>] {
        &self.names
    }

    /// True if nothing was added.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The set of `names`; `None` if they do not ascend, or are more or longer than those of a set.
    pub fn of_sorted(names: Vec<Arc<str>>) -> Option<NameSet> {
        let ascends = names.windows(2).all(|pair| pair[0] < pair[1]);
        let fits = names.len() <= MAX_NAMES && names.iter().all(|name| name.len() <= MAX_NAME_BYTES);
        (ascends && fits).then_some(NameSet { names })
    }

    /// Where `name` goes; `None` if it is there, or there are enough that are smaller.
    fn place(&self, name: &str) -> Option<usize> {
        let place = self.names.binary_search_by(|known| (**known).cmp(name)).err()?;
        (place < MAX_NAMES).then_some(place)
    }

    fn insert(&mut self, place: usize, name: Arc<str>) {
        self.names.truncate(MAX_NAMES - 1);
        self.names.insert(place, name);
    }
}

/// As many whole characters of `name` as are kept.
fn shortened(name: &str) -> &str {
    let mut end = name.len().min(MAX_NAME_BYTES);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    &name[..end]
}

/// Which rows of a batch carry which features that nobody asked for. Most batches have none.
#[derive(Debug, Clone, Default)]
pub struct UnknownFeatures {
    /// The different sets of the batch, none of them empty.
    sets: Vec<NameSet>,
    /// Per row the number of its set, from 1 on; 0 of a row that has none. Empty if no row has any.
    codes: Vec<u32>,
}

impl UnknownFeatures {
    /// Of rows with these `codes`: 0, or the place of a set from 1 on.
    ///
    /// # Panics
    /// If a code is beyond the sets.
    pub fn new(sets: Vec<NameSet>, codes: Vec<u32>) -> Self {
        assert!(codes.iter().all(|code| *code as usize <= sets.len()), "every code has its set");
        UnknownFeatures { codes: if sets.is_empty() { Vec::new() } else { codes }, sets }
    }

    /// What `row` carries; `None` if nothing.
    #[inline]
    pub fn of(&self, row: usize) -> Option<&NameSet> {
        let code = *self.codes.get(row)? as usize;
        self.sets.get(code.checked_sub(1)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn set(names: &[String]) -> NameSet {
        let mut set = NameSet::default();
        names.iter().for_each(|name| set.add(name));
        set
    }

    fn names() -> impl Strategy<Value = Vec<String>> {
        prop::collection::vec("[a-c]{0,4}", 0..60)
    }

    #[test]
    fn a_long_name_is_cut_between_characters() {
        let long = "é".repeat(200);
        assert_eq!(*set(&["x".to_owned() + &long]).names()[0], format!("x{}", "é".repeat(127)));
        assert_eq!(set(&[long.clone(), long + "y"]).names().len(), 1);
    }

    proptest! {
        #[test]
        fn it_holds_the_smallest_however_they_were_added(a in names(), b in names(), c in names()) {
            let [x, y, z] = [&a, &b, &c].map(|names| set(names));
            let merged = |x: &NameSet, y: &NameSet| {
                let mut sum = x.clone();
                sum.merge(y);
                sum
            };
            let all: BTreeSet<&str> = a.iter().chain(&b).chain(&c).map(String::as_str).collect();
            let found = merged(&merged(&x, &y), &z);
            prop_assert_eq!(found.names().iter().map(|name| &**name).collect::<Vec<_>>(),
                all.into_iter().take(MAX_NAMES).collect::<Vec<_>>());
            prop_assert_eq!(&merged(&z, &merged(&y, &x)), &found);
            prop_assert_eq!(&merged(&found, &y), &found);
            prop_assert_eq!(NameSet::of_sorted(found.names().to_vec()), Some(found));
        }
    }
}

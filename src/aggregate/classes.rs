//! Class names of one model, interned.

use super::ClassId;
use crate::event::segment::{MAX_NAME_BYTES, OTHER};
use hashbrown::HashMap;
use std::sync::Arc;

/// The classes of one model, in order of first appearance; those over the cap, and those with very long names, are one
/// class, `__other__`.
#[derive(Debug, Clone)]
pub struct ClassNames {
    cap: usize,
    names: Vec<Arc<str>>,
    by_name: HashMap<Arc<str>, ClassId>,
    folded: u64,
}

impl ClassNames {
    /// No class yet, and at most `cap` besides `__other__`; at most 65,535 whatever `cap` says.
    pub fn new(cap: usize) -> Self {
        ClassNames { cap: cap.min(usize::from(u16::MAX)), names: Vec::new(), by_name: HashMap::new(), folded: 0 }
    }

    /// The class called `name`, made if it is new.
    pub fn intern(&mut self, name: &str) -> ClassId {
        if let Some(id) = self.by_name.get(name) {
            return *id;
        }
        let over = (self.names.len() >= self.cap || name.len() > MAX_NAME_BYTES) && name != OTHER;
        if over {
            self.folded += 1;
            return self.intern(OTHER);
        }
        let id = ClassId(self.names.len() as u16);
        let name: Arc<str> = name.into();
        self.names.push(Arc::clone(&name));
        self.by_name.insert(name, id);
        id
    }

    /// Adds the next class, as a log of the state says: whatever the cap is.
    pub fn restore(&mut self, name: Arc<str>) {
        self.by_name.insert(Arc::clone(&name), ClassId(self.names.len() as u16));
        self.names.push(name);
    }

    /// How often a class was over the cap.
    pub fn folded(&self) -> u64 {
        self.folded
    }

    /// Name of each class, by its number.
    pub fn names(&self) -> &[Arc<str>] {
        &self.names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_over_the_cap_are_one() {
        let mut classes = ClassNames::new(2);
        let (a, b) = (classes.intern("a"), classes.intern("b"));
        let (c, d) = (classes.intern("c"), classes.intern("d"));
        assert_eq!((a, b), (ClassId(0), ClassId(1)));
        assert_eq!(c, d);
        assert_eq!(classes.folded(), 2);
        assert_eq!(&*classes.names()[usize::from(c.0)], OTHER);
        assert_eq!(classes.intern("a"), a);
    }

    #[test]
    fn a_class_whose_name_is_too_long_is_another() {
        let mut classes = ClassNames::new(9);
        let longest = "c".repeat(MAX_NAME_BYTES);
        let kept = classes.intern(&longest);
        assert_eq!((&*classes.names()[usize::from(kept.0)], classes.folded()), (&*longest, 0));
        let folded = classes.intern(&"c".repeat(MAX_NAME_BYTES + 1));
        assert_eq!((&*classes.names()[usize::from(folded.0)], classes.folded()), (OTHER, 1));
    }
}

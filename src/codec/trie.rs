//! The mapped paths as a tree, so that a record is walked once and what no path needs is skipped.

use super::unknown::Watched;

/// A tree of path elements. Node 0 is the record itself.
#[derive(Debug, Clone)]
pub(crate) struct Trie {
    nodes: Vec<Node>,
    /// The object whose other members are noted, and its node.
    watched: Option<(usize, Watched)>,
}

/// One place in a record.
#[derive(Debug, Clone, Default)]
pub(crate) struct Node {
    /// Places inside this one that lead to a mapped path, ascending by name.
    pub children: Vec<(String, usize)>,
    /// The slot that takes the value found here.
    pub slot: Option<usize>,
    /// Slots of all places below: what happens to them if this turns out not to be an object.
    pub below: Vec<usize>,
    /// A column takes what is here: as a member of the watched object it is not noted.
    is_known: bool,
}

/// Which of the children of a node: right for another node by chance alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Guess(u32);

impl Trie {
    /// The tree of `paths`; the index of a path is its slot. Paths differ from one another.
    pub(crate) fn new(paths: &[Vec<String>]) -> Self {
        let mut trie = Trie { nodes: vec![Node::default()], watched: None };
        for (slot, path) in paths.iter().enumerate() {
            let mut at = 0;
            for name in path {
                trie.nodes[at].below.push(slot);
                at = trie.child_or_new(at, name);
            }
            trie.nodes[at].slot = Some(slot);
        }
        trie
    }

    /// Notes the other members of an object.
    pub(crate) fn watching(mut self, watched: Option<Watched>) -> Self {
        let Some(watched) = watched else { return self };
        let at = watched.path.iter().fold(0, |at, name| self.child_or_new(at, name));
        for (name, child) in self.nodes[at].children.clone() {
            self.nodes[child].is_known = watched.knows(&name);
        }
        self.watched = Some((at, watched));
        self
    }

    /// The object whose other members are noted.
    pub(crate) fn watched(&self) -> Option<&Watched> {
        self.watched.as_ref().map(|(_, watched)| watched)
    }

    /// True if members of `at` are noted where no column takes them.
    #[inline]
    pub(crate) fn is_watched(&self, at: usize) -> bool {
        self.watched.as_ref().is_some_and(|(watched, _)| *watched == at)
    }

    /// True if a member of `at` is noted: no column takes it. `child` is its node, if it has one.
    #[inline]
    pub(crate) fn is_noted(&self, at: usize, child: Option<usize>) -> bool {
        self.is_watched(at) && child.is_none_or(|child| !self.nodes[child].is_known)
    }

    pub(crate) fn node(&self, at: usize) -> &Node {
        &self.nodes[at]
    }

    /// Number of nodes.
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// The child of `at` with that name.
    #[inline]
    pub(crate) fn child(&self, at: usize, name: &str) -> Option<usize> {
        self.place(at, name).ok().map(|place| self.nodes[at].children[place].1)
    }

    /// The child of `at` with that name, looked for at `guess` first, which may be wrong.
    #[inline]
    pub(crate) fn child_guessed(&self, at: usize, guess: Guess, name: &str) -> Option<(Guess, usize)> {
        let children = &self.nodes[at].children;
        let found = match children.get(guess.0 as usize) {
            Some((child, _)) if child == name => guess,
            _ => Guess(self.place(at, name).ok()? as u32),
        };
        Some((found, children[found.0 as usize].1))
    }

    /// Where among its children the one with that name is, or would be.
    #[inline]
    fn place(&self, at: usize, name: &str) -> Result<usize, usize> {
        self.nodes[at].children.binary_search_by(|(child, _)| child.as_str().cmp(name))
    }

    fn child_or_new(&mut self, at: usize, name: &str) -> usize {
        match self.place(at, name) {
            Ok(place) => self.nodes[at].children[place].1,
            Err(place) => {
                let child = self.nodes.len();
                self.nodes.push(Node::default());
                self.nodes[at].children.insert(place, (name.to_owned(), child));
                child
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_prefixes_share_a_node() {
        let path = |text: &str| text.split('.').map(str::to_owned).collect::<Vec<_>>();
        let trie = Trie::new(&[path("a.x"), path("a.y"), path("a"), path("b")]);
        let a = trie.child(0, "a").unwrap();
        assert_eq!(trie.node(0).children.len(), 2);
        assert_eq!(trie.node(a).slot, Some(2));
        assert_eq!(trie.node(a).below, [0, 1]);
        assert_eq!(trie.child(a, "z"), None);
    }

    #[test]
    fn a_guess_changes_nothing_but_the_way() {
        let names = ["d", "b", "a", "c"];
        let trie = Trie::new(&names.map(|name| vec![name.to_owned()]));
        for guess in (0..6).map(Guess) {
            for name in names {
                let (found, child) = trie.child_guessed(0, guess, name).unwrap();
                assert_eq!(Some(child), trie.child(0, name));
                assert_eq!(trie.child_guessed(0, found, name), Some((found, child)));
            }
            assert_eq!(trie.child_guessed(0, guess, "e"), None);
        }
    }
}

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
    /// Places inside this one that lead to a mapped path: few, so they are searched in order.
    pub children: Vec<(String, usize)>,
    /// The slot that takes the value found here.
    pub slot: Option<usize>,
    /// Slots of all places below: what happens to them if this turns out not to be an object.
    pub below: Vec<usize>,
    /// A column takes what is here: as a member of the watched object it is not noted.
    is_known: bool,
}

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

    /// The child of `at` with that name.
    pub(crate) fn child(&self, at: usize, name: &str) -> Option<usize> {
        self.nodes[at].children.iter().find(|(child, _)| child == name).map(|(_, index)| *index)
    }

    fn child_or_new(&mut self, at: usize, name: &str) -> usize {
        if let Some(child) = self.child(at, name) {
            return child;
        }
        let child = self.nodes.len();
        self.nodes.push(Node::default());
        self.nodes[at].children.push((name.to_owned(), child));
        child
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
}

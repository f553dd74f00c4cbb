//! Where a record came from.

/// The two topics (or lists of files) that Postdict joins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// A model's claims about the future.
    Predictions,
    /// What became known later.
    Labels,
}

impl Role {
    /// The topic's logical name in configuration and messages.
    pub fn name(self) -> &'static str {
        match self {
            Role::Predictions => "predictions",
            Role::Labels => "labels",
        }
    }
}

/// The partition of a topic, or the file, that a batch was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Which of the two inputs it belongs to.
    pub role: Role,
    /// Topic name, or the file's path as the operator wrote it.
    pub topic: std::sync::Arc<str>,
    /// Partition number; 0 for a file.
    pub partition: i32,
}

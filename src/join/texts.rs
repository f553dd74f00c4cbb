//! Label texts of one partition, interned: a remembered label names its text in four bytes.

use crate::event::segment::{MAX_NAME_BYTES, OTHER};
use hashbrown::HashMap;
use std::sync::Arc;

/// Texts of labels that are no numbers; those over the cap, and very long ones, are `__other__`.
#[derive(Debug, Default)]
pub struct LabelTexts {
    texts: Vec<Arc<str>>,
    by_text: HashMap<Arc<str>, u32>,
    folded: u64,
}

impl LabelTexts {
    /// Most distinct texts in one partition.
    const CAP: usize = 100_000;

    /// The number of `text`, made if it is new.
    pub fn intern(&mut self, text: &str) -> u32 {
        if let Some(id) = self.by_text.get(text) {
            return *id;
        }
        if (self.texts.len() >= Self::CAP || text.len() > MAX_NAME_BYTES) && text != OTHER {
            self.folded += 1;
            return self.intern(OTHER);
        }
        let id = self.texts.len() as u32;
        let text: Arc<str> = text.into();
        self.texts.push(Arc::clone(&text));
        self.by_text.insert(text, id);
        id
    }

    /// The text with number `id`.
    pub fn get(&self, id: u32) -> &str {
        &self.texts[id as usize]
    }

    /// All texts, by their number.
    pub fn all(&self) -> &[Arc<str>] {
        &self.texts
    }

    /// Adds the next text, as the log says: whatever the cap is.
    pub fn restore(&mut self, text: Arc<str>) {
        self.by_text.insert(Arc::clone(&text), self.texts.len() as u32);
        self.texts.push(text);
    }

    /// How many labels were folded into `__other__`.
    pub fn folded(&self) -> u64 {
        self.folded
    }
}

//! References that are announced in mid-stream, as late as they may come.

use super::drive::Plan;
use postdict::event::{Millis, Settings};
use std::sync::Arc;

/// The references as one task learns of them.
pub struct Announced {
    /// All settings.
    all: Arc<Settings>,
    /// Those that are known.
    pub known: Arc<Settings>,
    /// Event time from which on more have to be known.
    from: Option<Millis>,
}

impl Announced {
    pub fn new(all: &Arc<Settings>, plan: &Plan) -> Announced {
        let later = all.all().flat_map(|model| &model.references).filter_map(|reference| reference.from_ms);
        let (all, from) = (Arc::clone(all), later.min().filter(|_| plan.announces));
        let mut known = Settings::clone(&all);
        for model in known.models.values_mut().filter(|_| from.is_some()) {
            Arc::make_mut(model).references.retain(|reference| reference.from_ms.is_none());
        }
        Announced { all, known: Arc::new(known), from }
    }

    /// All of them, if `newest` needs what was not known before.
    pub fn news(&mut self, newest: Option<Millis>) -> Option<Arc<Settings>> {
        let needed = newest.zip(self.from).is_some_and(|(newest, from)| newest >= from);
        needed.then(|| {
            self.from = None;
            self.known = Arc::clone(&self.all);
            Arc::clone(&self.known)
        })
    }
}

//! The models that a rule is about, and what of their settings rules are checked against: what any of them has.

use crate::config::duration;
use crate::event::alert::Pattern;
use crate::event::{Millis, ModelSettings, Settings, TaskKind, WindowSpec};
use crate::metrics::Metric;
use std::collections::{BTreeMap, BTreeSet};

/// What at least one of the models has.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope {
    /// The model, if it is one.
    name: Option<String>,
    pub windows: BTreeSet<WindowSpec>,
    /// The smallest window of each.
    pub smallest: BTreeSet<WindowSpec>,
    pub tasks: BTreeSet<Option<TaskKind>>,
    /// Of detectors.
    pub detectors: BTreeSet<Metric>,
    pub detects_by_segment: bool,
    pub has_reference: bool,
    /// `reference_kind` of what windows are compared with.
    pub kinds: BTreeSet<String>,
    pub drifts_by_segment: bool,
    /// `segment_key` of segment sets.
    pub segments: BTreeSet<String>,
    pub protects: bool,
}

impl Scope {
    fn add(&mut self, model: &ModelSettings) {
        self.windows.extend(&model.windows);
        self.smallest.extend(model.windows.iter().min());
        self.tasks.insert(model.task);
        if let Some(detectors) = &model.detectors {
            self.detectors.extend(detectors.methods.iter().map(|method| Metric::of_detector(method.kind())));
            self.detects_by_segment |= detectors.by_segment;
        }
        self.has_reference |= !model.references.is_empty();
        self.kinds.extend(model.drift.compare_with.iter().map(|comparison| comparison.kind()));
        self.drifts_by_segment |= model.drift.by_segment;
        self.segments.extend(model.segments.iter().map(|set| set.key()));
        self.protects |= !model.protected.is_empty();
    }

    /// Says of whom something is not so: `` `fraud` has no detectors ``.
    pub fn without(&self, what: &str) -> String {
        match &self.name {
            Some(name) => format!("`{name}` has no {what}"),
            None => format!("no model that the rule is about has {what}"),
        }
    }

    /// The windows that a rule is about, by the size that it selects.
    pub fn windows_of(&self, size_ms: Option<Millis>) -> impl Iterator<Item = WindowSpec> {
        let all = if size_ms.is_some() { &self.windows } else { &self.smallest };
        all.iter().copied().filter(move |window| size_ms.is_none_or(|size| window.size_ms == size))
    }

    /// Sizes of all windows, for a message.
    pub fn sizes(&self) -> Vec<String> {
        let sizes: BTreeSet<Millis> = self.windows.iter().map(|window| window.size_ms).collect();
        sizes.into_iter().map(duration::format).collect()
    }
}

/// The models that a list of rules is for, and those of them that a pattern is about.
pub(super) struct Scopes<'s> {
    settings: &'s Settings,
    models: Vec<&'s str>,
    /// True of rules of every model that has none of its own.
    is_for_others: bool,
    known: BTreeMap<Option<String>, Scope>,
}

impl<'s> Scopes<'s> {
    /// Of rules of one model.
    pub fn of(model: &'s str, settings: &'s Settings) -> Scopes<'s> {
        Scopes { settings, models: vec![model], is_for_others: false, known: BTreeMap::new() }
    }

    /// Of rules of these models, and of all that are not named in the configuration.
    pub fn of_all(models: Vec<&'s str>, settings: &'s Settings) -> Scopes<'s> {
        Scopes { settings, models, is_for_others: true, known: BTreeMap::new() }
    }

    /// The models that `pattern` is about.
    pub fn get(&mut self, pattern: Option<&Pattern>) -> &Scope {
        let (settings, models, is_for_others) = (self.settings, &self.models, self.is_for_others);
        self.known.entry(pattern.map(Pattern::to_string)).or_insert_with(|| {
            let mut scope = Scope::default();
            let exact = pattern.filter(|pattern| pattern.is_exact()).map(Pattern::to_string);
            if let Some(name) = exact {
                scope.add(settings.model(&name));
                scope.name = Some(name);
                return scope;
            }
            let is_meant = |name: &str| pattern.is_none_or(|pattern| pattern.matches(name));
            models.iter().filter(|name| is_meant(name)).for_each(|name| scope.add(settings.model(name)));
            if is_for_others {
                scope.add(&settings.defaults);
            } else {
                scope.name = models.first().map(|name| (*name).to_owned());
            }
            scope
        })
    }
}

//! Alerts: the rules of each model and what bounds them → `event::alert::AlertSettings`.
//!
//! ```text
//! rule        one rule, from its keys             service     caps, times of maintenance
//! keys        which keys go together              built_in    the rules of models that have none
//! condition   when a value is bad, by limits      rule_file   rules in a file of their own
//!             (limits, severity, baseline)        links       what rules say of each other
//! selector, gates, active, telling                fit, scope  rules against the models that they are about
//! ```

mod active;
mod amount;
mod baseline;
mod built_in;
mod condition;
mod fit;
mod gates;
mod keys;
mod known;
mod limits;
mod links;
mod rule;
mod rule_file;
mod scope;
mod selector;
mod service;
mod severity;
mod telling;

pub use rule_file::{load_rules, parse_rules};
pub(super) use service::{OfService, read as read_service};

use super::problem::Report;
use super::raw::RawModel;
use super::section::{Item, Spanned};
use crate::event::alert::{AlertCaps, AlertRule, AlertSettings};
use crate::event::{Millis, ModelSettings, Settings};
use rule::WrittenRule;
use scope::Scopes;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A list of rules as written.
#[derive(Debug, Clone, Default)]
pub(super) struct Rules {
    rules: Vec<WrittenRule>,
    /// Ids, also of rules that are wrong, with the line of each.
    ids: BTreeMap<String, usize>,
    /// False if a rule has an id that could not be read.
    knows_all_ids: bool,
}

/// Reads a list of rules, or `none`. What is wrong in a rule is reported, and the others are read all the same.
pub(super) fn read(item: &Item<'_>, report: &mut Report) -> Option<Spanned<Rules>> {
    let mut rules = Rules { knows_all_ids: true, ..Rules::default() };
    if item.is_text("none") {
        return Some(Spanned { value: rules, at: item.at() });
    }
    for item in item.list(report, "a list of rules, or `none`")? {
        let (id, rule) = rule::read(&item, report);
        let Some(id) = id else {
            rules.knows_all_ids = false;
            continue;
        };
        if let Some(line) = rules.ids.get(&id.value) {
            let help = format!("the rule in line {line} has it: give each an id of its own");
            report.error(&id.at, format!("the id `{}` twice", id.value)).help(help);
            continue;
        }
        rules.ids.insert(id.value, id.at.place.line);
        rules.rules.extend(rule);
    }
    Some(Spanned { value: rules, at: item.at() })
}

impl Rules {
    fn check(&self, scopes: &mut Scopes<'_>, caps: &AlertCaps, report: &mut Report) {
        links::check(self, report);
        for rule in &self.rules {
            fit::check(rule, scopes.get(rule.model()), caps, report);
        }
    }

    /// The rules for a model with these settings.
    fn for_model(&self, model: &ModelSettings) -> Arc<Vec<AlertRule>> {
        let smallest = smallest_window(model);
        Arc::new(self.rules.iter().map(|rule| rule.for_window(smallest)).collect())
    }
}

fn smallest_window(model: &ModelSettings) -> Millis {
    model.windows.iter().map(|window| window.size_ms).min().unwrap_or(1)
}

/// Puts together what `defaults` and the models have, and checks it; `settings` are those of the models.
pub(super) fn settings(
    defaults: &RawModel,
    models: &[(Spanned<String>, RawModel)],
    of_service: OfService,
    settings: &Settings,
    report: &mut Report,
) -> AlertSettings {
    let mut inheriting = Vec::new();
    let mut own = Vec::new();
    for (id, raw) in models {
        let Some(written) = raw.alerts.written() else {
            inheriting.push(id.value.as_str());
            continue;
        };
        for rule in written.value.rules.iter().filter(|rule| rule.model().is_some()) {
            report
                .error(rule.at("model"), "`model` in a rule of one model")
                .help("remove it, or write the rule under `defaults`");
        }
        written.value.check(&mut Scopes::of(&id.value, settings), &of_service.caps, report);
        own.push((id.value.clone(), written.value.for_model(settings.model(&id.value))));
    }
    let rules = match defaults.alerts.written() {
        Some(written) => {
            let mut scopes = Scopes::of_all(inheriting.clone(), settings);
            written.value.check(&mut scopes, &of_service.caps, report);
            &written.value
        }
        None => built_in::rules(),
    };
    assembled(rules, &inheriting, own, of_service, settings)
}

/// `rules` for all models that have none of their `own`. Where they depend on the model's windows, those of `models` that have
/// other windows get a list too.
fn assembled(
    rules: &Rules,
    models: &[&str],
    own: Vec<(String, Arc<Vec<AlertRule>>)>,
    of_service: OfService,
    settings: &Settings,
) -> AlertSettings {
    let defaults = rules.for_model(&settings.defaults);
    let mut models_with: BTreeMap<String, Arc<Vec<AlertRule>>> = own.into_iter().collect();
    if rules.rules.iter().any(|rule| rule.for_windows.is_some()) {
        let mut by_window = BTreeMap::from([(smallest_window(&settings.defaults), Arc::clone(&defaults))]);
        for name in models {
            let model = settings.model(name);
            let list = by_window.entry(smallest_window(model)).or_insert_with(|| rules.for_model(model));
            if !Arc::ptr_eq(list, &defaults) {
                models_with.insert((*name).to_owned(), Arc::clone(list));
            }
        }
    }
    let OfService { caps, maintenance } = of_service;
    AlertSettings { defaults, models: models_with, maintenance, caps }
}

/// What holds where nothing is written; `settings` are those of the models.
pub(super) fn built_in(settings: &Settings) -> AlertSettings {
    assembled(built_in::rules(), &[], Vec::new(), OfService::default(), settings)
}

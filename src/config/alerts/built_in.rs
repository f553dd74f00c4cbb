//! The rules of every model that has none written.

use super::Rules;
use crate::config::document;
use crate::config::problem::Report;
use crate::config::section::Item;
use std::sync::LazyLock;

/// The rules as an operator could write them.
pub(super) const TEXT: &str = include_str!("default_rules.yaml");

static RULES: LazyLock<Rules> = LazyLock::new(|| {
    let mut report = Report::default();
    let rules = document::read(TEXT, &mut report)
        .and_then(|root| super::rule_file::read_root(&Item::root(&root), &mut report).0)
        .unwrap_or_default();
    let problems = report.into_problems("default_rules.yaml", TEXT);
    debug_assert!(problems.is_empty(), "{problems}");
    rules
});

/// The rules.
pub(super) fn rules() -> &'static Rules {
    &RULES
}

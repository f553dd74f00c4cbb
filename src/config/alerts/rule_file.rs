//! Rules in a file of their own: `rules: […]`, with `maintenance` and `caps` beside them. They stand in the place of all that
//! the configuration has.

use super::scope::Scopes;
use super::{Rules, assembled, service};
use crate::config::document;
use crate::config::problem::{Problems, Report};
use crate::config::section::{Item, Section};
use crate::config::{Config, read_text};
use crate::event::alert::AlertSettings;
use std::path::Path;

/// Reads a file of rules for the models of `config`; warnings are left out.
///
/// # Errors
/// Every problem of the file at once; or the one that kept it from being read.
pub fn load_rules(path: &Path, config: &Config) -> Result<AlertSettings, Problems> {
    let text = read_text(path, "rules", "name a file with `rules: […]`")?;
    parse_rules(&text, &path.display().to_string(), config).map(|(settings, _)| settings)
}

/// Reads rules from their text, with what is accepted but does not do what it seems to. `file_name` is for messages.
///
/// # Errors
/// Every problem of the text at once.
pub fn parse_rules(text: &str, file_name: &str, config: &Config) -> Result<(AlertSettings, Problems), Problems> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut report = Report::default();
    let settings = document::read(text, &mut report).map(|root| {
        let (rules, of_service) = read_root(&Item::root(&root), &mut report);
        let rules = rules.unwrap_or_default();
        let models: Vec<&str> = config.settings.models.keys().map(String::as_str).collect();
        rules.check(&mut Scopes::of_all(models.clone(), &config.settings), &of_service.caps, &mut report);
        assembled(&rules, &models, Vec::new(), of_service, &config.settings)
    });
    let problems = report.into_problems(file_name, text);
    match settings {
        Some(settings) if !problems.has_errors() => Ok((settings, problems)),
        _ => Err(problems),
    }
}

/// Reads the file's keys; `None` where the rules are not known.
pub(super) fn read_root(root: &Item<'_>, report: &mut Report) -> (Option<Rules>, service::OfService) {
    let Some(mut section) = Section::open(root, report) else { return Default::default() };
    let rules = section.require("rules", report, "write `rules:` and a list below it");
    let rules = rules.and_then(|item| super::read(&item, report)).map(|rules| rules.value);
    let of_service = service::read_keys(&mut section, report);
    section.finish(report, &[], &[]);
    (rules, of_service)
}

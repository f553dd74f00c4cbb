//! Rules that name other rules of their list: `all_of`, `any_of` and `inhibited_by`.

use super::keys::Keys;
use super::{Rules, WrittenRule};
use crate::config::nearest::nearest;
use crate::config::problem::Report;
use crate::config::section::Spanned;
use crate::event::alert::Watch;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Most wrong names for which the nearest one is looked for, as each is compared with every id.
const MOST_SUGGESTIONS: usize = 20;

/// Reads the ids that `key` lists.
pub(super) fn read(keys: &Keys<'_>, key: &str, report: &mut Report) -> Vec<Spanned<Arc<str>>> {
    let Some(item) = keys.get(key) else { return Vec::new() };
    let items = item.list(report, "ids of rules, such as `[recall-low, drift]`").unwrap_or_default();
    let mut seen = BTreeSet::new();
    let mut ids = Vec::new();
    for item in items {
        let Some(id) = item.text(report, "the id of a rule") else { continue };
        if seen.insert(id.value.clone()) {
            ids.push(Spanned { value: Arc::from(id.value), at: id.at });
        } else {
            report.error(&id.at, format!("`{}` twice", id.value)).help("remove one of them");
        }
    }
    ids
}

pub(super) fn values(ids: &[Spanned<Arc<str>>]) -> Vec<Arc<str>> {
    ids.iter().map(|id| Arc::clone(&id.value)).collect()
}

/// Checks what the rules of a list say of each other.
pub(super) fn check(list: &Rules, report: &mut Report) {
    let by_id: BTreeMap<&str, &WrittenRule> = list.rules.iter().map(|rule| (&*rule.rule.id, rule)).collect();
    if list.knows_all_ids {
        check_names(list, report);
    }
    for rule in &list.rules {
        for id in &rule.members {
            let member = by_id.get(&*id.value);
            if member.is_some_and(|member| matches!(member.rule.watch, Watch::Rules { .. })) {
                report
                    .error(&id.at, format!("`{}` is itself a rule about rules", id.value))
                    .help(format!("name the rules that `{}` is about", id.value));
            }
        }
    }
    check_cycles(list, &by_id, report);
    check_silent(list, report);
}

fn check_names(list: &Rules, report: &mut Report) {
    let mut suggestions = 0;
    for id in list.rules.iter().flat_map(|rule| rule.members.iter().chain(&rule.inhibited_by)) {
        if list.ids.contains_key(&*id.value) {
            continue;
        }
        suggestions += 1;
        let near = match suggestions <= MOST_SUGGESTIONS {
            true => nearest(&id.value, list.ids.keys().map(|id| &**id)),
            false => None,
        };
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => "name rules by their `id`: of the same list, as each model has its own rules".to_owned(),
        };
        report.error(&id.at, format!("there is no rule `{}`", id.value)).help(help);
    }
}

/// Reports each round of rules that inhibit each other, where it closes.
fn check_cycles(list: &Rules, by_id: &BTreeMap<&str, &WrittenRule>, report: &mut Report) {
    let mut done: BTreeSet<&str> = BTreeSet::new();
    for rule in &list.rules {
        // The way from `rule`: ids, and how many of what inhibits each has been followed. Not by recursion, as it may be long.
        let mut way: Vec<(&WrittenRule, usize)> = Vec::new();
        let mut on_way: BTreeSet<&str> = BTreeSet::new();
        if done.insert(&rule.rule.id) {
            on_way.insert(&rule.rule.id);
            way.push((rule, 0));
        }
        while let Some((last, followed)) = way.last_mut() {
            let last: &WrittenRule = last;
            let Some(next) = last.inhibited_by.get(*followed) else {
                on_way.remove(&*last.rule.id);
                way.pop();
                continue;
            };
            *followed += 1;
            if on_way.contains(&*next.value) {
                let message = match next.value == last.rule.id {
                    true => "a rule that inhibits itself".to_owned(),
                    false => format!("`{}` is inhibited by `{}`, which it inhibits in turn", last.rule.id, next.value),
                };
                report.error(&next.at, message).help("remove one of them: nobody would be told of either");
            } else if let Some(rule) = by_id.get(&*next.value)
                && done.insert(&rule.rule.id)
            {
                on_way.insert(&rule.rule.id);
                way.push((rule, 0));
            }
        }
    }
}

/// Warns of rules that serve nobody.
fn check_silent(list: &Rules, report: &mut Report) {
    let used: BTreeSet<&str> =
        list.rules.iter().flat_map(|rule| rule.members.iter().chain(&rule.inhibited_by)).map(|id| &*id.value).collect();
    for rule in list.rules.iter().filter(|rule| !rule.rule.notify && !used.contains(&*rule.rule.id)) {
        report
            .warning(rule.at("notify"), format!("nobody is told of `{}`, and no rule names it", rule.rule.id))
            .help("remove `notify: false`, or the rule");
    }
}

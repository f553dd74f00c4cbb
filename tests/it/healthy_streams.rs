//! The built-in rules of alerts on simulated streams, from the benchmark `alert_rules_study`: quiet where nothing is wrong,
//! and not where something is.

#[path = "../../benches/streams/mod.rs"]
mod streams;

use postdict::event::TaskKind;
use streams::{Course, Stream, drive};

/// Ten days by the hour, after a reference of thirty.
const WINDOWS: usize = 240;

#[test]
fn where_nothing_is_wrong_next_to_nothing_fires() {
    let mut fired = Vec::new();
    for task in TaskKind::ALL {
        for course in [Course::Nightly, Course::Wandering] {
            let seen = drive(&Stream { has_reference: false, ..Stream::healthy(task, course, 60.0, WINDOWS) }, None);
            assert!(seen.finals.len() > WINDOWS - 5, "{} windows", seen.finals.len());
            fired.extend(seen.fired.into_iter().map(|fired| (task, course.name(), fired.rule, fired.summary)));
        }
    }
    // At most one in a thousand windows; these are 1,440.
    assert!(fired.len() <= 1, "{fired:?}");
}

#[test]
fn where_labels_come_by_chance_it_is_told_within_a_day() {
    for (task, rules) in [
        (TaskKind::Binary, &["roc-auc-fell", "roc-auc-collapsed", "accuracy-fell", "accuracy-collapsed"][..]),
        (TaskKind::Multiclass, &["accuracy-fell", "accuracy-collapsed"]),
        (TaskKind::Regression, &["mae-rose"]),
    ] {
        let healthy = Stream { has_reference: false, ..Stream::healthy(task, Course::Daily, 150.0, 120) };
        let seen = drive(&Stream { harm: 0.5, harmed_from: 72, ..healthy }, None);
        let first = seen.fired.first().unwrap_or_else(|| panic!("{task:?}: nothing fired"));
        assert!(rules.contains(&&*first.rule), "{task:?}: {first:?}");
        assert!((72.0..=96.0).contains(&first.told), "{task:?}: {first:?}");
    }
}

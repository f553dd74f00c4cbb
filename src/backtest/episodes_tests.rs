//! Episodes, from rows made by hand.

use super::episodes::{Episode, Episodes, opened};
use crate::event::alert::{AlertCause, AlertRow, AlertState, Severity};
use crate::event::{Millis, ModelSettings, Settings, WindowSpec};
use std::sync::Arc;

const WINDOW: Millis = 10;

/// An episode of model `m`, whose first bad window ended when it was found.
pub(crate) fn episode(rule: &str, from: Millis, found: Millis, over: Option<Millis>) -> Episode {
    let mut episode = opened(&row(rule, "m", AlertState::Firing, found), found, false);
    (episode.from, episode.over) = (from, over);
    episode
}

/// A row of the alert `alert_id`, found at `at`, on account of a window that ended then.
fn row(alert_id: &str, model: &str, state: AlertState, at: Millis) -> AlertRow {
    let example = serde_json::json!({
        "id": "i", "alert_id": alert_id, "sequence": 1, "rule": alert_id, "severity": "warning", "state": state,
        "previous_state": "ok", "cause": "window", "model_id": model, "model_version": "", "segment_key": "",
        "segment_value": "", "window_size_ms": WINDOW, "started_at": at, "resolved_at": null, "evaluated_at": at,
        "summary": "s", "labels": "{}", "evidence": "{}",
    });
    let row: AlertRow = serde_json::from_value(example).expect("a row");
    AlertRow { resolved_at: (state == AlertState::Resolved).then_some(at), ..row }
}

fn folded(rows: &[AlertRow]) -> Vec<Episode> {
    let windows = vec![WindowSpec { size_ms: WINDOW, advance_ms: WINDOW }];
    let model = ModelSettings { windows, ..ModelSettings::default() };
    let settings = Settings { defaults: Arc::new(model), ..Settings::default() };
    let mut episodes = Episodes::new(Arc::new(settings));
    rows.iter().for_each(|row| episodes.take(row));
    episodes.list().to_vec()
}

/// Found, over, reopened, of every episode.
fn shown(rows: &[AlertRow]) -> Vec<(Millis, Option<Millis>, bool)> {
    folded(rows).iter().map(|e| (e.found, e.over, e.is_reopened)).collect()
}

use AlertState::{Firing, NoData, Ok, Pending, Resolved};

#[test]
fn an_episode_goes_from_opening_to_its_end() {
    let of = |states: &[(AlertState, Millis)]| {
        let rows: Vec<AlertRow> = states.iter().map(|(state, at)| row("a", "m", *state, *at)).collect();
        shown(&rows)
    };
    assert_eq!(of(&[]), []);
    assert_eq!(of(&[(Pending, 10), (Ok, 20)]), [], "what is only pending is no alert");
    assert_eq!(of(&[(Pending, 10), (Firing, 20), (Resolved, 30)]), [(20, Some(30), false)]);
    assert_eq!(of(&[(Firing, 20)]), [(20, None, false)], "open at the end");
    assert_eq!(of(&[(NoData, 20), (Resolved, 30)]), [(20, Some(30), false)]);
    assert_eq!(of(&[(Firing, 20), (Firing, 25), (Firing, 30), (Resolved, 35)]), [(20, Some(35), false)], "repeats");
    assert_eq!(of(&[(Resolved, 20), (Firing, 30)]), [(30, None, false)], "an end that nothing began");
}

#[test]
fn what_opens_again_soon_flaps() {
    let rows = [
        row("a", "m", Firing, 10),
        row("a", "m", Resolved, 20),
        row("a", "m", Firing, 50),
        row("a", "m", Resolved, 60),
        row("a", "m", Firing, 91),
    ];
    assert_eq!(shown(&rows), [(10, Some(20), false), (50, Some(60), true), (91, None, false)]);
    let without_window = rows.map(|row| AlertRow { window_size_ms: None, ..row });
    assert!(shown(&without_window)[1].2, "then the model's windows count");
}

#[test]
fn alerts_of_several_models_do_not_end_each_other() {
    let rows = [
        row("a", "m", Firing, 10),
        row("b", "n", Firing, 12),
        row("a", "m", Resolved, 20),
        row("b", "n", Resolved, 40),
    ];
    assert_eq!(shown(&rows), [(10, Some(20), false), (12, Some(40), false)]);
    assert_eq!(folded(&rows).iter().map(|e| &*e.model_id).collect::<Vec<_>>(), ["m", "n"]);
}

#[test]
fn a_revision_begins_and_ends_in_its_own_time() {
    // A window that ended at 10 turns bad at 50, and good again at 70.
    let late = AlertRow { started_at: Some(10), cause: AlertCause::Revision, ..row("a", "m", Firing, 50) };
    let taken_back = AlertRow { resolved_at: Some(20), cause: AlertCause::Revision, ..row("a", "m", Resolved, 70) };
    let episode = &folded(&[late, taken_back])[0];
    assert_eq!((episode.from, episode.began, episode.found, episode.over), (0, 10, 50, Some(70)));
    assert!(episode.overlaps(0, 1) && episode.overlaps(69, 100) && !episode.overlaps(70, 100));
}

#[test]
fn it_was_as_bad_as_at_its_worst() {
    let critical = AlertRow { severity: Severity::Critical, ..row("a", "m", Firing, 20) };
    let rows = [row("a", "m", Firing, 10), critical, row("a", "m", Firing, 30), row("a", "m", Resolved, 40)];
    assert_eq!(folded(&rows)[0].severity, Severity::Critical);
}

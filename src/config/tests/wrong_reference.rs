//! References and decisions about drift that are configured wrong: each with the place, the path, and what is said about it.

use super::wrong::assert_one_problem_each;
use crate::config::{Config, Problems, parse};
use crate::event::profile::samples::{profile, with_outputs};
use crate::event::{Comparison, Weekday};

/// Each has one problem: at a place, about a path, saying something, with something to do about it.
const ONE_PROBLEM: &[(&str, &str, &str, &str, &str)] = &[
    ("defaults: {drift: {method: ks}}", "1:28", "defaults.drift.method", "`ks`", "psi"),
    (
        "defaults: {drift: {method: wasserstein}}",
        "1:19",
        "defaults.drift",
        "no threshold of its own",
        "wasserstein_normed",
    ),
    (
        "defaults: {drift: {smoothing: {zeros: 1e-4, add: 1}}}",
        "1:31",
        "defaults.drift.smoothing",
        "one of three ways",
        "{clip: 1e-4}",
    ),
    ("defaults: {drift: {smoothing: {clip: 0}}}", "1:38", "defaults.drift.smoothing.clip", "`0`", "a share"),
    (
        "defaults: {drift: {contributions: yes please}}",
        "1:35",
        "defaults.drift.contributions",
        "unknown value `yes please`",
        "one of `true`, `false`",
    ),
    ("defaults: {drift: {alpha: 0}}", "1:27", "defaults.drift.alpha", "`0`", "a probability"),
    (
        "defaults: {reference: x.json}",
        "1:23",
        "defaults.reference",
        "cannot read the profile `conf/x.json`",
        "relative",
    ),
    ("models: {a: {reference: {}}}", "1:25", "models.a.reference", "missing key `profile`", "write `{profile: PATH}`"),
    (
        "models: {a: {reference: {profile: x, from: soon}}}",
        "1:44",
        "models.a.reference.from",
        "`soon` is no time",
        "2026-05-01",
    ),
];

/// The same of `compare_with`, under `defaults`.
const WRONG_COMPARISONS: &[(&str, &str, &str, &str, &str)] = &[
    (
        "defaults: {drift: {compare_with: previous}}",
        "1:34",
        "defaults.drift.compare_with",
        "wrong type: the text `previous`",
        "write it as a list: `[previous]`",
    ),
    ("defaults: {drift: {compare_with: []}}", "1:34", "defaults.drift.compare_with", "an empty list", "{ago: 7d}"),
    (
        "defaults: {drift: {compare_wiht: [fixed]}}",
        "1:20",
        "defaults.drift.compare_wiht",
        "unknown key",
        "did you mean `compare_with`?",
    ),
    (
        "defaults: {drift: {compare_with: [prevous]}}",
        "1:35",
        "defaults.drift.compare_with[0]",
        "unknown value `prevous`",
        "did you mean `previous`?",
    ),
    (
        "defaults: {drift: {compare_with: [fixed, trailing]}}",
        "1:42",
        "defaults.drift.compare_with[1]",
        "`trailing` of what",
        "write `{trailing: 7}`",
    ),
    (
        "defaults: {drift: {compare_with: [{trailign: 7}]}}",
        "1:36",
        "defaults.drift.compare_with[0].trailign",
        "unknown key `trailign`",
        "did you mean `trailing`?",
    ),
    (
        "defaults: {drift: {compare_with: [{trailing: 401}]}}",
        "1:46",
        "defaults.drift.compare_with[0].trailing",
        "`401` is out of range",
        "from 1 to 400",
    ),
    (
        "defaults: {drift: {compare_with: [{trailing: 7, except: [satuday]}]}}",
        "1:58",
        "defaults.drift.compare_with[0].except[0]",
        "unknown value `satuday`",
        "did you mean `saturday`?",
    ),
    (
        "defaults: {drift: {compare_with: [{trailing: 7, except: [sunday, sunday]}]}}",
        "1:66",
        "defaults.drift.compare_with[0].except[1]",
        "`sunday` twice",
        "remove one",
    ),
    (
        "defaults: {drift: {compare_with: [{except: [sunday]}]}}",
        "1:35",
        "defaults.drift.compare_with[0]",
        "not one way to compare",
        "{trailing: 7, except: [sunday]}",
    ),
    (
        "defaults: {drift: {compare_with: [{ago: 7d, trailing: 7}]}}",
        "1:35",
        "defaults.drift.compare_with[0]",
        "not one way to compare",
        "{ago: 7d}",
    ),
    (
        "defaults: {drift: {compare_with: [{ago: 7}]}}",
        "1:41",
        "defaults.drift.compare_with[0].ago",
        "`7` has no unit",
        "a duration",
    ),
    (
        "defaults: {drift: {compare_with: [{from: 2026-05-01}]}}",
        "1:35",
        "defaults.drift.compare_with[0]",
        "not one way to compare",
        "both `from` and `to`",
    ),
    (
        "defaults: {drift: {compare_with: [{from: 2026-05-01, to: then}]}}",
        "1:58",
        "defaults.drift.compare_with[0].to",
        "`then` is no time",
        "2026-05-01",
    ),
    (
        "defaults: {drift: {compare_with: [{from: 2026-05-08, to: 2026-05-01}]}}",
        "1:35",
        "defaults.drift.compare_with[0]",
        "ends before it begins",
        "`to` later than `from`",
    ),
    (
        "defaults: {drift: {compare_with: [previous, previous]}}",
        "1:45",
        "defaults.drift.compare_with[1]",
        "the same comparison twice",
        "remove one",
    ),
    (
        "defaults: {drift: {compare_with: [fixed, {ago: 1d}, {ago: 2d}, {ago: 3d}, {ago: 4d}, {ago: 5d}, {ago: 6d}, \
         {ago: 7d}, {ago: 8d}]}}",
        "1:34",
        "defaults.drift.compare_with",
        "9 comparisons",
        "at most 8",
    ),
    (
        "defaults: {drift: {compare_with: [previous]}}",
        "1:35",
        "defaults.drift.compare_with[0]",
        "no model has a `reference:` or `features:`",
        "replay --reference",
    ),
    (
        "models: {a: {drift: {compare_with: [fixed, previous]}}}",
        "1:44",
        "models.a.drift.compare_with[1]",
        "`a` has neither `reference:` nor `features:`",
        "postdict profile",
    ),
];

#[test]
fn each_wrong_comparison_is_named_with_its_place() {
    assert_one_problem_each(WRONG_COMPARISONS);
}

/// Of model `m`, which has a profile.
pub(super) fn of_model(settings: &str) -> Result<Config, Problems> {
    let text = format!("models:\n  m: {{reference: m.json, {settings}}}");
    parse(&text, "conf/postdict.yaml", &|_| Ok(profile().to_json()))
}

#[test]
fn a_profile_of_another_task_is_refused() {
    let said = of_model("task: regression").unwrap_err().to_string();
    assert!(
        said.contains("2:18") && said.contains("the profile is of a binary model, and `m` is regression"),
        "{said}"
    );
}

#[test]
fn comparisons_arrive() {
    let written = "drift: {compare_with: [fixed, previous, {trailing: 7, except: [sunday, saturday]}, {ago: 7d}, \
                   {from: 1970-01-02, to: 1970-01-04}]}";
    let config = of_model(written).unwrap();
    assert!(config.warnings.is_empty(), "{}", config.warnings);
    let day = 86_400_000;
    let expected = [
        Comparison::Fixed,
        Comparison::Previous,
        Comparison::Trailing { windows: 7, except: vec![Weekday::Saturday, Weekday::Sunday] },
        Comparison::Ago { ms: 7 * day },
        Comparison::Span { from_ms: day, to_ms: 3 * day },
    ];
    assert_eq!(config.settings.models["m"].drift.compare_with, expected);
    assert_eq!(of_model("threshold: 0.5").unwrap().settings.models["m"].drift.compare_with, [Comparison::Fixed]);
}

#[test]
fn comparisons_are_made_of_the_panes_of_their_model() {
    let wrong = [
        ("windows: [1d], drift: {compare_with: [{ago: 36h}]}", "not a whole number of panes of `m`"),
        (
            "windows: [1d], drift: {compare_with: [{from: '2026-05-01T12:00:00Z', to: 2026-05-08}]}",
            "expected multiples of `1d`",
        ),
        ("windows: [7d], drift: {compare_with: [{ago: 14d}, {ago: 7d}, previous]}", ""),
        ("windows: [7d, 14d], drift: {compare_with: [{ago: 7d}]}", "warning: windows of `14d` overlap"),
        ("windows: [14d], drift: {compare_with: [{ago: 7d}]}", "error: not a whole number of panes"),
        ("windows: [{size: 14d, advance: 7d}], drift: {compare_with: [{ago: 7d}]}", "error: windows of `14d` overlap"),
        ("windows: [1h, 30d], drift: {compare_with: [{trailing: 30}]}", "reaches over 21600 panes of `1h` of `m`"),
    ];
    for (settings, message) in wrong {
        let said = of_model(settings).map_or_else(|problems| problems, |right| right.warnings);
        let said = if said.is_empty() { String::new() } else { said.to_string() };
        assert!(said.contains(message), "{settings}: {said}");
        assert_eq!(said.is_empty(), message.is_empty(), "{settings}: {said}");
    }
}

#[test]
fn what_a_model_inherits_is_held_against_its_own_windows() {
    let text = "defaults: {drift: {compare_with: [{ago: 1d}]}}
models:
  m: {reference: m.json, windows: [2d]}
  other: {windows: [2d]}";
    let said = parse(text, "conf/postdict.yaml", &|_| Ok(profile().to_json())).unwrap_err().to_string();
    assert!(said.contains("1:35") && said.contains("of `m`") && said.ends_with(": 1 error"), "{said}");
}

#[test]
fn each_wrong_reference_is_named_with_its_place() {
    assert_one_problem_each(ONE_PROBLEM);
}

#[test]
fn contributions_need_a_profile_with_outputs() {
    let read = |profile: fn() -> crate::event::Profile| {
        let text = "models:\n  m: {reference: m.json, drift: {contributions: true}}";
        parse(text, "conf/postdict.yaml", &|_| Ok(profile().to_json())).unwrap()
    };
    let known = read(|| with_outputs(profile()));
    assert!(known.warnings.is_empty() && known.settings.models["m"].drift.contributions);
    let said = read(profile).warnings.to_string();
    assert!(said.contains("2:18 (models.m.reference)") && said.contains("the profile of `m` has no outputs"), "{said}");
    let many = || crate::event::Profile { task: crate::event::TaskKind::Multiclass, ..profile() }.with_id();
    let said = read(many).warnings.to_string();
    assert!(said.contains("many classes") && said.contains("remove `contributions`"), "{said}");
}

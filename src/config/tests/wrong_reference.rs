//! References and decisions about drift that are configured wrong: each with the place, the path, and what is said about it.

use super::wrong::assert_one_problem_each;

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

#[test]
fn each_wrong_reference_is_named_with_its_place() {
    assert_one_problem_each(ONE_PROBLEM);
}

//! Segments that are the bins of a number, configured wrong: each with the place, the path, and what is said about it.

use super::wrong::assert_one_problem_each;
use super::wrong_reference::of_model;
use crate::config::parse;
use crate::event::SegmentSet;
use crate::event::profile::samples::profile;

/// Each has one problem: at a place, about a path, saying something, with something to do about it.
const ONE_PROBLEM: &[(&str, &str, &str, &str, &str)] = &[
    (
        "defaults: {segments: [{bins_off: amount}]}",
        "1:24",
        "defaults.segments[0].bins_off",
        "unknown key `bins_off`",
        "did you mean `bins_of`?",
    ),
    (
        "defaults: {segments: [{}]}",
        "1:23",
        "defaults.segments[0]",
        "missing key `bins_of`",
        "write `{bins_of: amount}`",
    ),
    (
        "defaults: {segments: [{bins_of: [amount]}]}",
        "1:33",
        "defaults.segments[0].bins_of",
        "wrong type",
        "the name of a column",
    ),
    (
        "defaults: {segments: [{bins_of: a}, [b, {bins_of: a}, {bins_of: a}]]}",
        "1:65",
        "defaults.segments[1][2].bins_of",
        "the column `bins_of(a)` twice",
        "remove one",
    ),
    (
        "defaults: {segments: [{bins_of: a}, [{bins_of: a}]]}",
        "1:37",
        "defaults.segments[1]",
        "segments of `bins_of(a)` twice",
        "remove one",
    ),
];

#[test]
fn each_wrong_segment_is_named_with_its_place() {
    assert_one_problem_each(ONE_PROBLEM);
}

#[test]
fn bins_are_those_of_the_reference() {
    let wrong = [
        ("segments: [country, {bins_of: amount}, [country, {bins_of: amount}]]", ""),
        ("segments: [{bins_of: amuont}]", "2:37 (models.m.segments[0])\n"),
        ("segments: [{bins_of: amuont}]", "error: the profile of `m` has no feature `amuont`"),
        ("segments: [{bins_of: amuont}]", "did you mean `amount`?"),
        ("segments: [a, [a, {bins_of: shoe size}]]", "postdict profile show"),
        ("segments: [{bins_of: country}]", "error: `country` is a category in the profile of `m`: it has no bins"),
        ("segments: [{bins_of: country}]", "name the column itself as segment: `country`"),
    ];
    for (settings, message) in wrong {
        let said = of_model(settings).map_or_else(|problems| problems, |right| right.warnings);
        let said = if said.is_empty() { String::new() } else { said.to_string() };
        assert!(said.contains(message), "{settings}: {said}");
        assert_eq!(said.is_empty(), message.is_empty(), "{settings}: {said}");
    }
    let keys: Vec<String> = of_model("segments: [country, [country, {bins_of: amount}]]").unwrap().settings.models["m"]
        .segments
        .iter()
        .map(SegmentSet::key)
        .collect();
    assert_eq!(keys, ["country", "country,bins_of(amount)"]);
}

#[test]
fn bins_without_a_reference_are_warned_of() {
    let read = |text: &str| parse(text, "conf/postdict.yaml", &|_| Ok(profile().to_json())).map(|read| read.warnings);
    for (text, place) in [
        ("defaults: {segments: [{bins_of: amount}]}", "1:23 (defaults.segments[0])"),
        ("models: {m: {segments: [a, [a, {bins_of: amount}]]}}", "1:28 (models.m.segments[1])"),
    ] {
        let said = read(text).unwrap().to_string();
        assert!(said.contains("warning") && said.contains("all are `__missing__`") && said.contains(place), "{said}");
    }
    let inherited = "defaults: {segments: [{bins_of: country}]}\nmodels: {m: {reference: m.json}, other: {}}";
    let said = read(inherited).unwrap_err().to_string();
    assert!(said.contains("1:23") && said.ends_with(": 1 error"), "{said}");
    let suits = "defaults: {segments: [{bins_of: amount}]}\nmodels: {m: {reference: m.json}, other: {}}";
    assert!(read(suits).unwrap().is_empty());
}

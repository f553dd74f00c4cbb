//! Features that are declared: what right ones mean, and wrong ones with the place, the path, and what is said about them.

use super::wrong::assert_one_problem_each;
use super::{DAY, parse_text, right};
use crate::config::{Config, Problems, parse};
use crate::event::profile::samples::profile;
use crate::event::{Comparison, FeatureBins, ModelSettings, Profile};

/// Each has one problem: at a place, about a path, saying something, with something to do about it.
const ONE_PROBLEM: &[(&str, &str, &str, &str, &str)] = &[
    (
        "models: {a: {features: {amount: numerc}}}",
        "1:33",
        "models.a.features.amount",
        "unknown value `numerc`",
        "did you mean `numeric`?",
    ),
    (
        "models: {a: {features: {x: numeric, y: category}}}",
        "1:40",
        "models.a.features.y",
        "unknown value `category`",
        "did you mean `categorical`?",
    ),
    (
        "models: {a: {features: {x: numeric, x: numeric}}}",
        "1:37",
        "models.a.features.x",
        "duplicate key `x`",
        "keep one of them",
    ),
    (
        "models: {a: {features: {score: numeric}}}",
        "1:25",
        "models.a.features.score",
        "`score` is an output of the model",
        "remove it",
    ),
    (
        "models: {a: {features: {'': numeric}}}",
        "1:25",
        "models.a.features.\"\"",
        "a feature without a name",
        "remove it",
    ),
    ("models: {a: {features: [amount]}}", "1:24", "models.a.features", "wrong type: a list", "expected a section"),
    (
        "models: {a: {features: {x: {}}}}",
        "1:28",
        "models.a.features.x",
        "wrong type: a section",
        "one of `numeric`, `categorical`",
    ),
    (
        "models: {a: {featuers: {x: numeric}}}",
        "1:14",
        "models.a.featuers",
        "unknown key `featuers`",
        "did you mean `features`?",
    ),
    (
        "defaults: {features: {x: numeric}}",
        "1:22",
        "defaults.features",
        "`features` under `defaults`",
        "under `models.NAME`",
    ),
    ("features: {x: numeric}", "1:1", "features", "`features` does not belong here", "under `models.NAME`"),
    ("models: {a: {features: {}}}", "1:24", "models.a.features", "no feature to watch, and no output", "write `task:`"),
    (
        "models: {a: {features: {x: numeric}, drift: {compare_with: [fixed]}}}",
        "1:24",
        "models.a.features",
        "`a` has no profile, and is compared with nothing else",
        "compare_with: [previous]",
    ),
    (
        "defaults: {drift: {compare_with: [fixed]}}\nmodels: {a: {features: {x: numeric}}}",
        "2:24",
        "models.a.features",
        "`a` has no profile",
        "compare_with: [previous]",
    ),
    (
        "fields: {predictions: {features: ~}}\nmodels: {a: {features: {x: numeric}}}",
        "2:24",
        "models.a.features",
        "records have no place for features",
        "fields.predictions.features",
    ),
];

#[test]
fn each_wrong_feature_is_named_with_its_place() {
    assert_one_problem_each(ONE_PROBLEM);
}

#[test]
fn more_features_than_partials_can_number_are_too_many() {
    let features: Vec<String> = (0..5_000).map(|number| format!("f{number}: numeric")).collect();
    let said =
        parse_text(&format!("models: {{a: {{features: {{{}}}}}}}", features.join(", "))).unwrap_err().to_string();
    assert!(said.contains("5000 features") && said.contains("at most 4093"), "{said}");
}

/// A model with these settings and a profile.
fn with_profile(settings: &str) -> Result<Config, Problems> {
    let text = format!("models: {{m: {{features: {{x: numeric}}, {settings}}}}}");
    parse(&text, "conf/postdict.yaml", &|_| Ok(profile().to_json()))
}

#[test]
fn what_a_profile_replaces_from_the_beginning_is_never_watched() {
    let config = with_profile("reference: m.json").unwrap();
    let said = config.warnings.to_string();
    assert!(said.contains("`features` are never watched") && said.ends_with(": 1 warning"), "{said}");
    let model = &config.settings.models["m"];
    assert_eq!((model.references.len(), &model.drift.compare_with[..]), (1, &[Comparison::Fixed][..]));
}

fn profile_at(model: &ModelSettings, start: i64) -> &Profile {
    let in_force = model.references.iter().rfind(|reference| reference.begins() <= start);
    in_force.and_then(|reference| reference.profile.as_deref()).unwrap()
}

#[test]
fn what_is_declared_is_watched_until_a_profile_is_in_force() {
    let config = with_profile("reference: {profile: m.json, from: 1970-01-03}").unwrap();
    assert!(config.warnings.is_empty(), "{}", config.warnings);
    let model = &config.settings.models["m"];
    assert!(!profile_at(model, 2 * DAY - 1).is_fitted());
    assert_eq!(*profile_at(model, 2 * DAY), profile());
    assert_eq!(model.drift.compare_with, [Comparison::Fixed, Comparison::Previous]);
    assert!(config.settings.columns().unknown);
}

#[test]
fn declared_features_arrive() {
    let config = right("models: {m: {task: binary, features: {amount: numeric, country: categorical}}}");
    let model = &config.settings.models["m"];
    let [reference] = &model.references[..] else { panic!("one reference") };
    let profile = reference.profile.as_deref().unwrap();
    let kinds = profile.features.iter().map(|feature| match feature.bins {
        FeatureBins::Numeric(_) => (&*feature.name, "numeric"),
        FeatureBins::Categorical(_) => (&*feature.name, "categorical"),
    });
    let expected =
        [("amount", "numeric"), ("country", "categorical"), ("predicted_label", "categorical"), ("score", "numeric")];
    assert!(kinds.eq(expected));
    assert_eq!((&*profile.model_id, reference.id, reference.from_ms), ("m", profile.content_id(), None));
    let compared = [Comparison::Fixed, Comparison::Previous];
    assert_eq!(model.drift.compare_with, compared, "a profile may be announced");
    assert_eq!(config.settings.feature_columns(), ["amount", "country"]);
    assert!(!config.settings.columns().unknown);
    let written = "models: {m: {features: {x: numeric}, drift: {compare_with: [fixed, {trailing: 3}]}}}";
    assert_eq!(right(written).settings.models["m"].drift.compare_with.len(), 2);
    assert_eq!(right("models: {m: {task: regression, features: {}}}").settings.models["m"].references.len(), 1);
}

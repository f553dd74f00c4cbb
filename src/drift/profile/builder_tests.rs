//! The builder on decoded records: types, what is left out, and that neither order nor batches leave a trace.

use super::{BuildError, ColumnType, MAX_CATEGORIES, OutputsBuilder, ProfileBuilder};
use crate::codec::{FieldPath, Format, Message, PredictionDecoder, PredictionFields};
use crate::event::bins::NumericBins;
use crate::event::{FeatureBins, FeatureSource, Origin, PredictionBatch, PredictionColumns, Profile, Role, TaskKind};
use proptest::prelude::*;
use std::collections::BTreeMap;

type Built = Result<(Profile, Vec<super::Note>), BuildError>;

/// Features that the records have.
const NAMES: [&str; 3] = ["amount", "country", "score"];

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn decoder(features: &[&str]) -> PredictionDecoder {
    let path = |name: &str| FieldPath::Value(vec![name.to_owned()]);
    let some = |name: &str| Some(path(name));
    let fields = PredictionFields {
        request_id: path("id"),
        model_id: path("model"),
        model_version: None,
        timestamp: path("time"),
        score: some("score"),
        predicted_label: some("label"),
        scores: None,
        predicted_value: some("value"),
        features: some("features"),
        attributes: None,
        latency_ms: None,
        error: some("error"),
        segments: BTreeMap::new(),
    };
    let columns = PredictionColumns { features: names(features), ..PredictionColumns::default() };
    PredictionDecoder::try_new(&Format::Json, &fields, &columns).expect("a layout")
}

/// Profile of `lines`, in batches of `batch` records.
fn build(features: &[&str], types: &[(&str, ColumnType)], lines: &[String], batch: usize) -> Built {
    let types = types.iter().map(|(name, column_type)| ((*name).to_owned(), *column_type)).collect();
    let mut builder = ProfileBuilder::new(None, &names(features), types, MAX_CATEGORIES);
    batches(features, lines, batch).iter().try_for_each(|batch| builder.add(batch))?;
    builder.finish(false)
}

/// `lines` as batches of so many records.
fn batches(features: &[&str], lines: &[String], batch: usize) -> Vec<PredictionBatch> {
    let mut decoder = decoder(features);
    let origin = Origin { role: Role::Predictions, topic: "t".into(), partition: 0 };
    let decode = |lines: &[String]| {
        let messages: Vec<Message> =
            (0..).zip(lines).map(|(offset, line)| Message::of_file(offset, line.as_bytes())).collect();
        let decoded = decoder.decode(&origin, &messages);
        assert!(decoded.rejects.is_empty(), "{:?}", decoded.rejects);
        decoded.batch
    };
    lines.chunks(batch.max(1)).map(decode).collect()
}

/// The same profile with the outputs of `lines`, if they can be added up.
fn with_outputs(profile: Profile, features: &[&str], lines: &[String], batch: usize) -> Option<Profile> {
    let mut builder = OutputsBuilder::try_new(profile, &names(features)).ok()?;
    batches(features, lines, batch).iter().for_each(|batch| builder.add(batch));
    Some(builder.finish())
}

fn line(time: i64, features: &str, output: &str) -> String {
    format!(r#"{{"id":"{time}","model":"m","time":{time},"features":{{{features}}},{output}}}"#)
}

fn profile(features: &[&str], types: &[(&str, ColumnType)], lines: &[String]) -> (Profile, Vec<String>) {
    let (profile, notes) = build(features, types, lines, 100).expect("a profile");
    (profile, notes.into_iter().map(|note| format!("{}: {}", note.column, note.text)).collect())
}

fn numeric<'p>(profile: &'p Profile, name: &str) -> Option<&'p NumericBins> {
    match &profile.features.iter().find(|feature| &*feature.name == name)?.bins {
        FeatureBins::Numeric(bins) => Some(bins),
        FeatureBins::Categorical(_) => None,
    }
}

#[test]
fn texts_among_numbers_are_invalid_if_few_and_make_a_category_if_many() {
    let lines = |texts: i64| -> Vec<String> {
        let value = |i| if i < texts { r#""x""#.to_owned() } else { format!("{}", i % 7) };
        (0..100).map(|i| line(i, &format!(r#""amount":{}"#, value(i)), r#""score":0.5"#)).collect()
    };
    let (few, notes) = profile(&["amount"], &[], &lines(5));
    assert_eq!(few.features[0].counts.last(), Some(&5), "five of a hundred are invalid");
    assert_eq!(notes, ["amount: its few texts count as invalid"]);
    let (many, notes) = profile(&["amount"], &[], &lines(6));
    assert!(numeric(&many, "amount").is_none());
    assert_eq!(notes, ["amount: its numbers count as categories"]);
    let (declared, notes) = profile(&["amount"], &[("amount", ColumnType::Numeric)], &lines(60));
    assert!(numeric(&declared, "amount").is_some() && notes.is_empty());
}

#[test]
fn a_feature_with_the_name_of_an_output_wins() {
    let lines: Vec<String> = (0..9).map(|i| line(i, r#""score":"a""#, r#""score":0.5,"label":1"#)).collect();
    let (profile, _) = profile(&["score"], &[], &lines);
    let found: Vec<_> = profile.features.iter().map(|feature| (&*feature.name, feature.source)).collect();
    assert_eq!(found, [("predicted_label", FeatureSource::PredictedLabel), ("score", FeatureSource::Feature)]);
    assert_eq!((profile.task, profile.rows), (TaskKind::Binary, 9));
    assert_eq!((profile.first_ms, profile.last_ms), (0, 8));
}

#[test]
fn identifiers_are_left_out_unless_they_are_declared() {
    let lines: Vec<String> =
        (0..2_000).map(|i| line(i, &format!(r#""amount":{i},"country":"user-{i}""#), r#""value":1.5"#)).collect();
    let (inferred, notes) = profile(&["amount", "country"], &[], &lines);
    assert_eq!(inferred.features.len(), 1, "{notes:?}");
    assert!(notes.iter().any(|note| note.starts_with("country: most of its values are different")), "{notes:?}");
    let types = [("amount", ColumnType::Numeric), ("country", ColumnType::Categorical)];
    let (declared, _) = profile(&["amount", "country"], &types, &lines);
    assert_eq!(declared.features.len(), 3);
    assert_eq!(declared.features[1].counts[MAX_CATEGORIES], 2_000 - MAX_CATEGORIES as i64, "the rest is folded");
}

#[test]
fn what_is_in_no_row_and_what_fails_counts_as_said() {
    let mut lines: Vec<String> = (0..4).map(|i| line(i, r#""amount":null"#, r#""score":0.5"#)).collect();
    lines.push(line(9, r#""amount":7"#, r#""error":"down""#));
    let (profile, _) = profile(&["amount"], &[], &lines);
    assert_eq!(profile.rows, 4, "a failed request predicted nothing");
    assert_eq!(profile.features[0].counts, [0, 4, 0], "unseen, missing, invalid");
    assert!(profile.features.iter().all(|feature| &*feature.name != "predicted_value"));
}

#[test]
fn outputs_are_added_up_per_bin_where_there_is_one_number() {
    let lines = |outputs: [&str; 3]| -> Vec<String> {
        (0..).zip(outputs).map(|(i, output)| line(i, &format!(r#""country":"{}""#, i % 2), output)).collect()
    };
    let made = |outputs| {
        let lines = lines(outputs);
        with_outputs(profile(&["country"], &[], &lines).0, &["country"], &lines, 2)
    };
    let of_country = |profile: Profile| profile.features[0].outputs.clone().unwrap();
    let binary = of_country(made([r#""score":0.5"#, r#""label":"1""#, r#""score":0.25"#]).unwrap());
    assert_eq!((binary.exponent, &binary.rows[..2], &binary.sums[..2]), (-30, &[2, 0][..], &[3 << 28, 0][..]));
    let numbers = of_country(made([r#""value":3"#, r#""value":-5.5"#, r#""value":1"#]).unwrap());
    assert_eq!((numbers.exponent, &numbers.sums[..2]), (3 - 28, &[4 << 25, -11 << 24][..]));
    assert_eq!(made([r#""label":"a""#, r#""label":"b""#, r#""label":"a""#]), None, "there are many classes");
}

#[test]
fn several_models_are_refused_until_one_is_named() {
    let other = line(1, "", r#""score":0.5"#).replace(r#""model":"m""#, r#""model":"n""#);
    let built = build(&[], &[], &[line(0, "", r#""score":0.5"#), other], 1);
    assert_eq!(built.unwrap_err(), BuildError::SeveralModels("m, n".to_owned()));
    assert!(matches!(build(&[], &[], &[], 1), Err(BuildError::NoRows(_))));
}

/// A value as JSON: numbers of both zeros, texts that are numbers, truth values, nothing, and what is no value.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => (-3.0f64..3.0).prop_map(|number| number.to_string()),
        2 => (-2i32..3).prop_map(|number| number.to_string()),
        2 => "[a-d1]{0,2}".prop_map(|text| format!("\"{text}\"")),
        1 => prop::sample::select(vec!["null", "true", "false", "-0.0", "1e300", "{}", "[1]"]).prop_map(str::to_owned),
    ]
}

proptest! {
    #[test]
    fn neither_order_nor_batches_leave_a_trace(
        (ordered, shuffled) in prop::collection::vec((value(), value(), 0i64..50), 1..60).prop_flat_map(|rows| {
            let lines: Vec<String> = rows
                .into_iter()
                .map(|(amount, country, time)| {
                    let output = format!(r#""score":{},"label":"a""#, time as f64 / 64.0);
                    line(time, &format!(r#""amount":{amount},"country":{country}"#), &output)
                })
                .collect();
            (Just(lines.clone()), Just(lines).prop_shuffle())
        }),
        batches in (1usize..20, 1usize..20),
    ) {
        let (one, one_notes) = build(&NAMES, &[], &ordered, batches.0).unwrap();
        let (other, other_notes) = build(&NAMES, &[], &shuffled, batches.1).unwrap();
        prop_assert_eq!(&one, &other);
        prop_assert_eq!(one_notes, other_notes);
        let outputs = |profile: &Profile, lines: &[String], batch| with_outputs(profile.clone(), &NAMES, lines, batch);
        let known = outputs(&one, &ordered, batches.1).expect("scores can be added up");
        prop_assert_eq!(&outputs(&other, &shuffled, batches.0), &Some(known.clone()));
        let sixty_fourths: i64 = known.features[0].outputs.as_ref().unwrap().sums.iter().map(|sum| sum >> 24).sum();
        let times = |line: &String| serde_json::from_str::<serde_json::Value>(line).unwrap()["time"].as_i64().unwrap();
        prop_assert_eq!(sixty_fourths, ordered.iter().map(times).sum::<i64>());
        prop_assert_eq!(Profile::from_json(&known.to_json()), Ok(known), "and what was made can be read");
        prop_assert_eq!(Profile::from_json(&one.to_json()), Ok(one));
    }
}

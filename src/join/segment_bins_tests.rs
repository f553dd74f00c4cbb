//! Bins as segments, of decoded records: the bin is that of the reference in force, and no other than the one that its rows
//! are counted in.

use super::segment_bins::SegmentBins;
use crate::codec::{FieldPath, Format, Message, PredictionDecoder, PredictionFields};
use crate::event::bins::NumericBins;
use crate::event::segment::bin_names;
use crate::event::{
    FeatureBins, FeatureProfile, FeatureSource, FeatureValue, Millis, ModelSettings, Origin, PredictionBatch,
    PredictionColumns, Profile, Reference, ReferenceId, Role, SegmentColumn, SegmentSet, TaskKind,
};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

fn batch(records: &[(Millis, String)]) -> PredictionBatch {
    let path = |name: &str| FieldPath::Value(vec![name.to_owned()]);
    let fields = PredictionFields {
        request_id: path("id"),
        model_id: path("model"),
        model_version: None,
        timestamp: path("time"),
        score: Some(path("score")),
        predicted_label: None,
        scores: None,
        predicted_value: None,
        features: Some(path("features")),
        attributes: None,
        latency_ms: None,
        error: None,
        segments: BTreeMap::new(),
    };
    let columns = PredictionColumns { features: vec!["amount".to_owned()], ..PredictionColumns::default() };
    let mut decoder = PredictionDecoder::try_new(&Format::Json, &fields, &columns).unwrap();
    let line = |(time, amount): &(Millis, String)| {
        format!(r#"{{"id":"r","model":"m","time":{time},"score":0.5,"features":{{"amount":{amount}}}}}"#)
    };
    let lines: Vec<String> = records.iter().map(line).collect();
    let messages: Vec<Message> =
        (0..).zip(&lines).map(|(offset, line)| Message::of_file(offset, line.as_bytes())).collect();
    decoder.decode(&Origin { role: Role::Predictions, topic: "t".into(), partition: 0 }, &messages).batch
}

fn reference(numbers: &[f64], from_ms: Option<Millis>) -> (Reference, NumericBins) {
    let bins = NumericBins::of_reference(numbers).unwrap();
    let feature = |name: &str, source| FeatureProfile {
        name: name.into(),
        source,
        bins: FeatureBins::Numeric(bins.clone()),
        counts: vec![0; bins.bins()],
        moments: None,
        outputs: None,
        sketches: None,
    };
    let profile = Profile {
        id: ReferenceId(0),
        model_id: "m".into(),
        task: TaskKind::Binary,
        rows: 1,
        first_ms: 0,
        last_ms: 0,
        features: vec![feature("amount", FeatureSource::Feature), feature("score", FeatureSource::Score)],
        labels: None,
        window: None,
    };
    let profile = profile.with_id();
    (Reference { id: profile.id, from_ms, profile: Some(Arc::new(profile)) }, bins)
}

fn names(settings: &ModelSettings, records: &[(Millis, String)]) -> Vec<Vec<String>> {
    let (bins, batch) = (SegmentBins::new(settings, &["amount".to_owned()]), batch(records));
    assert_eq!(batch.len(), records.len(), "every record is a prediction");
    (0..batch.len()).map(|row| bins.codes(&batch, row).map(|code| bins.name(code).to_owned()).collect()).collect()
}

fn settings(references: Vec<Reference>, features: &[&str]) -> ModelSettings {
    let set = |name: &&str| SegmentSet { columns: vec![SegmentColumn::Bins { bins_of: (*name).to_owned() }] };
    ModelSettings { references, segments: features.iter().map(set).collect(), ..ModelSettings::default() }
}

#[test]
fn the_reference_in_force_names_the_bin() {
    let first = reference(&[0.0, 10.0], Some(1_000)).0;
    let second = reference(&[7.0], Some(2_000)).0;
    let settings = settings(vec![first, second], &["amount", "score", "other"]);
    let record = |time, amount: &str| (time, amount.to_owned());
    let records =
        [record(999, "4"), record(1_000, "4"), record(1_500, "null"), record(1_999, "\"4\""), record(2_000, "4")];
    let found = names(&settings, &records);
    assert_eq!(found[0], ["__missing__"; 3], "none is in force yet");
    assert_eq!(found[1], ["[4, 5)", "< 1", "__missing__"], "a reference does not have all of them");
    assert_eq!([&found[2][0], &found[3][0]], ["__missing__", "__invalid__"]);
    assert_eq!(found[4], ["any number", "any number", "__missing__"]);
}

#[test]
fn a_model_without_such_segments_has_no_codes() {
    let bins = SegmentBins::new(&settings(vec![reference(&[1.0], None).0], &[]), &[]);
    assert!(bins.is_empty() && bins.codes(&batch(&[(1, "1".to_owned())]), 0).next().is_none());
}

proptest! {
    #[test]
    fn a_number_is_in_the_bin_in_which_it_is_counted(
        reference_numbers in prop::collection::vec(prop_oneof![-5.0f64..5.0, (0i32..4).prop_map(f64::from)], 1..60),
        amounts in prop::collection::vec(prop_oneof![-6.0f64..6.0, (0i32..4).prop_map(f64::from), Just(-0.0)], 1..20),
    ) {
        let (reference, bins) = reference(&reference_numbers, None);
        let records: Vec<(Millis, String)> = amounts.iter().map(|amount| (5, format!("{amount:?}"))).collect();
        let found = names(&settings(vec![reference], &["amount"]), &records);
        let (known, fine) = (bin_names(&bins), FeatureBins::Numeric(bins));
        for (amount, found) in amounts.iter().zip(found) {
            let counted = fine.coarse().of(fine.bin_of(FeatureValue::Number(*amount))).unwrap();
            prop_assert_eq!(&found[0], &known[counted]);
        }
    }
}

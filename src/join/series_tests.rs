//! Series in named cases: what is folded, and where.

use super::*;
use crate::event::SegmentSet;

fn registry(segment_values: usize) -> SeriesRegistry {
    let defaults = ModelSettings {
        segments: vec![
            SegmentSet { columns: vec!["country".into()] },
            SegmentSet { columns: vec!["country".into(), "device".into()] },
        ],
        ..ModelSettings::default()
    };
    let caps = Caps { segment_values, models: 2, ..Caps::default() };
    SeriesRegistry::new(Arc::new(Settings { defaults: Arc::new(defaults), caps, ..Settings::default() }))
}

#[test]
fn values_of_several_columns_are_joined_and_escaped_and_missing_is_a_value() {
    let mut registry = registry(10);
    let model = registry.model_id("m").expect("below the cap");
    let id = registry.of_prediction(model, "1", |column| [Some("D,E"), None][column], &[]);
    let segments = registry.series(id).segments.clone().expect("a prediction has segments");
    assert_eq!(&*segments[0], "D,E");
    assert_eq!(&*segments[1], "D\\,E,__missing__");
}

#[test]
fn a_value_over_the_cap_folds_and_is_counted_while_known_values_stay() {
    let mut registry = registry(1);
    let model = registry.model_id("m").expect("below the cap");
    let de = registry.of_prediction(model, "", |_| Some("DE"), &[]);
    let fr = registry.of_prediction(model, "", |_| Some("FR"), &[]);
    assert_eq!(registry.folded(), 2);
    let value = |id| registry.series(id).segments.as_ref().map(|values| values[0].to_string());
    assert_eq!(value(de).as_deref(), Some("DE"));
    assert_eq!(value(fr).as_deref(), Some(OTHER));
    assert_eq!(registry.of_prediction(model, "", |_| Some("DE"), &[]), de);
}

#[test]
fn models_over_the_cap_are_refused() {
    let mut registry = registry(1);
    assert!(registry.model_id("a").is_ok() && registry.model_id("b").is_ok());
    assert_eq!(registry.model_id("c"), Err(TooManyModels));
    assert!(registry.model_id("").is_ok(), "labels that name no model have a place of their own");
    assert!(registry.model_id("a").is_ok());
}

#[test]
fn names_that_are_too_long_for_a_record_are_kept_nowhere() {
    let mut registry = registry(10);
    let long = "x".repeat(MAX_NAME_BYTES + 1);
    assert_eq!(registry.model_id(&long), Err(TooManyModels));
    let model = registry.model_id(&long[1..]).expect("one byte shorter");
    let id = registry.of_prediction(model, &long, |column| [Some(&*long), Some("tv")][column], &[]);
    let Series { version, segments, .. } = registry.series(id);
    assert_eq!((&**version, registry.folded()), (OTHER, 3));
    assert!(segments.iter().flatten().all(|value| **value == *OTHER), "{segments:?}");
}

//! Detectors of one model: read in one order whatever the way, restored to the bit, unharmed by damaged bytes.

use super::cells::{GroupId, VersionId};
use super::detection::Detection;
use super::detection_state::Known;
use super::names::WHOLE;
use crate::aggregate::FirstMatch;
use crate::aggregate::partial::{CellChange, PartialRow};
use crate::drift::detectors::AdwinParameters;
use crate::event::{DetectorKind, DetectorParameters, Detectors, LossKind, Millis, ModelSettings, OutcomeOrder};
use proptest::prelude::*;

const KNOWN: Known = Known { groups: 3, versions: 2 };
const PANE: Millis = 10;

fn settings(order: OutcomeOrder) -> ModelSettings {
    let adwin = AdwinParameters { delta: 0.9, clock: 1, max_buckets: 5, min_window_length: 1, grace_period: 1 };
    let methods = vec![DetectorParameters::Adwin(adwin), DetectorKind::Ddm.defaults()];
    let detectors = Detectors { loss: LossKind::Error, order, by_segment: true, methods };
    ModelSettings { pane_ms: PANE, label_horizon_ms: 30, detectors: Some(detectors), ..ModelSettings::default() }
}

fn order() -> impl Strategy<Value = OutcomeOrder> {
    prop_oneof![Just(OutcomeOrder::LabelTime), Just(OutcomeOrder::PredictionTime)]
}

/// Predictions with their labels: time, delay, version, group, whether it was wrong.
fn matches() -> impl Strategy<Value = Vec<(Millis, Millis, Option<u32>, u32, bool)>> {
    prop::collection::vec((0..100i64, -5..30i64, prop::option::of(0..2u32), 1..3u32, any::<bool>()), 0..60)
}

fn bytes_of(detection: &Detection) -> Vec<u8> {
    let mut bytes = Vec::new();
    detection.encode(&mut bytes);
    bytes
}

fn restored(bytes: &[u8], settings: &ModelSettings) -> Box<Detection> {
    let mut input = bytes;
    let restored = Detection::decode(&mut input, settings.detectors.as_ref(), KNOWN).unwrap().unwrap();
    assert!(input.is_empty());
    restored
}

/// Takes the matches one by one, with a release and a restored state every so often.
fn fed(matches: &[(Millis, Millis, Option<u32>, u32, bool)], every: usize, settings: &ModelSettings) -> Box<Detection> {
    let mut detection = Detection::of(settings).unwrap();
    for (place, (time, delay, version, group, wrong)) in matches.iter().enumerate() {
        let first_match = FirstMatch {
            prediction_time: *time,
            label_time: time + delay,
            request_id: FirstMatch::kept_id(&format!("{time}-{delay}-{version:?}-{group}")),
            loss: Some(f64::from(u8::from(*wrong))),
        };
        let row = PartialRow {
            series: 0,
            pane: time - time.rem_euclid(PANE),
            change: CellChange::Facts(smallvec::SmallVec::new()),
            first_matches: vec![first_match],
        };
        detection.take(&row, 1, version.map(VersionId), &[WHOLE, GroupId(*group)]);
        if place % every == 0 {
            detection = restored(&bytes_of(&detection), settings);
        }
    }
    detection.release(1_000, settings, |_| true);
    detection
}

proptest! {
    #[test]
    fn the_order_in_which_outcomes_come_does_not_show(
        (matches, shuffled) in matches().prop_flat_map(|matches| (Just(matches.clone()), Just(matches).prop_shuffle())),
        every in 1..20usize,
        order in order(),
    ) {
        let settings = settings(order);
        let (one, other) = (fed(&matches, 1_000, &settings), fed(&shuffled, every, &settings));
        prop_assert_eq!(&one.streams, &other.streams);
        prop_assert_eq!(&one.tallies, &other.tallies);
        prop_assert_eq!(one.sorter.waiting(), 0);
    }

    #[test]
    fn damaged_bytes_do_no_harm(
        matches in matches(), order in order(), at in any::<prop::sample::Index>(), byte in any::<u8>()
    ) {
        let settings = settings(order);
        let mut bytes = bytes_of(&fed(&matches, 7, &settings));
        let cut = at.index(bytes.len());
        prop_assert!(Detection::decode(&mut &bytes[..cut], settings.detectors.as_ref(), KNOWN).is_err());
        bytes[cut] = byte;
        if let Ok(Some(mut detection)) = Detection::decode(&mut &bytes[..], settings.detectors.as_ref(), KNOWN) {
            detection.release(2_000, &settings, |_| true);
        }
    }

    #[test]
    fn bytes_that_nobody_wrote_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        let _ = Detection::decode(&mut &bytes[..], settings(OutcomeOrder::LabelTime).detectors.as_ref(), KNOWN);
    }
}

#[test]
fn a_detector_that_is_configured_still_goes_on_and_one_that_is_new_begins() {
    let was = settings(OutcomeOrder::LabelTime);
    let matches: Vec<_> = (0..50).map(|time| (time, 1, Some(0), 1, time > 25)).collect();
    let before = fed(&matches, 1_000, &was);
    let mut today = was.clone();
    let detectors = today.detectors.as_mut().unwrap();
    detectors.methods = vec![DetectorKind::PageHinkley.defaults(), detectors.methods[0]];
    let after = restored(&bytes_of(&before), &today);
    let series = (WHOLE, None);
    assert_eq!(after.streams[&series][1], before.streams[&series][0]);
    assert_eq!((after.streams[&series][0].kind(), after.streams[&series][0].taken()), (DetectorKind::PageHinkley, 0));
    let tallies = |detection: &Detection| detection.tallies(series, 0, 100).unwrap();
    assert_eq!((tallies(&after)[0].read, tallies(&after)[1]), (0, tallies(&before)[0]));
    // By another order nothing that was read is of use.
    let anew = restored(&bytes_of(&before), &settings(OutcomeOrder::PredictionTime));
    assert!(anew.streams.is_empty() && anew.tallies.is_empty());
    let none = Detection::decode(&mut &bytes_of(&before)[..], None, KNOWN).unwrap();
    assert!(none.is_none());
}

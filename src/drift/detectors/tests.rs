//! All six detectors: what each finds, that a restored one goes on, that bytes which nobody wrote do no harm.

use super::*;
use crate::aggregate::wire::Wire;
use crate::drift::draw::Draw;
use proptest::prelude::*;

fn detectors() -> Vec<Detector> {
    DetectorKind::ALL.iter().map(|kind| Detector::try_new(kind.defaults()).unwrap()).collect()
}

/// Defaults, and parameters that take every other way through the code.
fn all_ways() -> Vec<Detector> {
    let more = [
        DetectorParameters::Adwin(AdwinParameters {
            delta: 0.3,
            clock: 1,
            max_buckets: 2,
            min_window_length: 1,
            grace_period: 0,
        }),
        DetectorParameters::Ddm(DdmParameters { warm_start: 0, warning_threshold: 0.0, drift_threshold: 1.0 }),
        DetectorParameters::Eddm(EddmParameters { warm_start: 0, alpha: 1.0, beta: 0.5 }),
        DetectorParameters::HddmA(HddmAParameters { drift_confidence: 0.2, warning_confidence: 0.5, two_sided: true }),
        DetectorParameters::HddmW(HddmWParameters {
            drift_confidence: 0.2,
            warning_confidence: 0.5,
            lambda: 0.3,
            two_sided: true,
        }),
        DetectorParameters::PageHinkley(PageHinkleyParameters {
            min_instances: 2,
            delta: 0.0,
            threshold: 1.0,
            alpha: 1.0,
            direction: Direction::Down,
        }),
    ];
    detectors().into_iter().chain(more.map(|parameters| Detector::try_new(parameters).unwrap())).collect()
}

fn bytes_of(detector: &Detector) -> Vec<u8> {
    let mut bytes = Vec::new();
    detector.encode(&mut bytes);
    bytes
}

fn restored(detector: &Detector) -> Detector {
    let bytes = bytes_of(detector);
    let mut input = &bytes[..];
    let restored = Detector::decode(&mut input).unwrap();
    assert!(input.is_empty());
    restored
}

/// Zeros and ones; the share of ones at a place is `rate`.
fn errors(count: u64, rate: impl Fn(u64) -> f64) -> Vec<f64> {
    let mut draw = Draw::new(0);
    (0..count).map(|place| f64::from(u8::from(draw.uniform() < rate(place)))).collect()
}

/// Where the detector fires, and the changes; time is ten times the place.
fn changes(detector: &mut Detector, values: &[f64]) -> Vec<(u64, Change)> {
    let places = (0..).zip(values);
    places.filter_map(|(place, &value)| Some((place, detector.update(value, place as i64 * 10).change()?))).collect()
}

#[test]
fn each_finds_a_rise_and_says_where_it_began() {
    let values = errors(4000, |place| if place < 2000 { 0.1 } else { 0.5 });
    for mut detector in detectors() {
        let name = detector.kind().name();
        let all = changes(&mut detector, &values);
        let &(fired, change) = all.iter().find(|(place, _)| *place >= 2000).unwrap_or_else(|| panic!("{name}"));
        println!("{name}: of {} changes, at {fired}: {change:?}", all.len());
        assert!(fired < 2200, "{name} fired at {fired}");
        assert!(change.began.index <= fired, "{name}: {change:?}");
        assert_eq!(change.began.time, change.began.index as i64 * 10, "{name}");
        // EDDM looks at distances, and fires by chance within this stream.
        if detector.kind() != DetectorKind::Eddm {
            let off = change.began.index.abs_diff(2000);
            assert!(off < 20 && (change.before - 0.1).abs() < 0.05 && change.after > 0.4, "{name}: {change:?}");
        }
    }
}

#[test]
fn none_fires_where_nothing_changes() {
    for value in [0.0, 1.0] {
        for mut detector in detectors() {
            let name = detector.kind().name();
            assert_eq!(changes(&mut detector, &[value; 5000]), [], "{name}");
        }
    }
}

#[test]
fn a_fall_is_found_by_those_that_look_for_it() {
    let values = errors(4000, |place| if place < 2000 { 0.6 } else { 0.1 });
    let hddm_a = HddmAParameters { two_sided: true, ..HddmAParameters::default() };
    let hddm_w = HddmWParameters { two_sided: true, ..HddmWParameters::default() };
    let looking = [
        DetectorKind::Adwin.defaults(),
        DetectorKind::PageHinkley.defaults(),
        DetectorParameters::HddmA(hddm_a),
        DetectorParameters::HddmW(hddm_w),
    ];
    for parameters in looking {
        let all = changes(&mut Detector::try_new(parameters).unwrap(), &values);
        let Some((_, change)) = all.iter().find(|(place, _)| *place >= 2000) else { panic!("{parameters:?}") };
        // HDDM_W fires after so few values that the place of the change is less certain.
        assert!(change.began.index.abs_diff(2000) < 100, "{parameters:?}: {change:?}");
        assert!(change.before > 0.55 && change.after < 0.5, "{parameters:?}: {change:?}");
    }
    for kind in [DetectorKind::Ddm, DetectorKind::HddmA, DetectorKind::HddmW] {
        let all = changes(&mut Detector::try_new(kind.defaults()).unwrap(), &values);
        assert!(all.iter().all(|(place, _)| *place < 2000), "{kind:?}: {all:?}");
    }
}

/// Over two thousand zeros the bound of HDDM_W stops falling, so that cuts tie. River 0.26.1 stays silent here, because a
/// tie does not move the cut.
#[test]
fn a_tie_does_not_move_the_cut() {
    let values = (0..2300u64).map(|place| f64::from(u8::from(place >= 2000 && (place - 2000).is_multiple_of(3))));
    let mut hddm = HddmW::try_new(HddmWParameters::default()).unwrap();
    assert!(values.map(|value| hddm.update(value)).all(|verdict| verdict == Verdict::Stable));
}

#[test]
fn a_value_that_a_method_cannot_take_changes_nothing() {
    for mut detector in all_ways() {
        detector.update(1.0, 0);
        let mut before = detector.clone();
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e101] {
            assert_eq!(detector.update(value, 1), Signal::Stable);
        }
        let others = [2.0, -0.5, 0.5].into_iter().filter(|&value| !detector.kind().takes(value));
        let others: Vec<f64> = others.collect();
        for &value in &others {
            assert_eq!(detector.update(value, 1), Signal::Stable);
        }
        assert_eq!(detector.refused(), 4 + others.len() as u64);
        assert_eq!(detector.taken(), 1);
        before.refused = detector.refused;
        assert_eq!(detector, before);
    }
}

#[test]
fn parameters_out_of_range_are_named() {
    let wrong: [(&str, DetectorParameters); 8] = [
        ("delta", DetectorParameters::Adwin(AdwinParameters { delta: 1.0, ..Default::default() })),
        ("clock", DetectorParameters::Adwin(AdwinParameters { clock: 0, ..Default::default() })),
        ("max_buckets", DetectorParameters::Adwin(AdwinParameters { max_buckets: 1, ..Default::default() })),
        ("drift_threshold", DetectorParameters::Ddm(DdmParameters { drift_threshold: 1.0, ..Default::default() })),
        ("beta", DetectorParameters::Eddm(EddmParameters { beta: 0.96, ..Default::default() })),
        (
            "warning_confidence",
            DetectorParameters::HddmA(HddmAParameters { warning_confidence: 0.0001, ..Default::default() }),
        ),
        ("lambda", DetectorParameters::HddmW(HddmWParameters { lambda: f64::NAN, ..Default::default() })),
        (
            "threshold",
            DetectorParameters::PageHinkley(PageHinkleyParameters { threshold: f64::INFINITY, ..Default::default() }),
        ),
    ];
    for (name, parameters) in wrong {
        assert_eq!(Detector::try_new(parameters).unwrap_err().parameter, name);
        assert_eq!(parameters.check().unwrap_err().parameter, name);
    }
}

#[test]
fn names_are_of_one_kind_each() {
    for kind in DetectorKind::ALL {
        assert_eq!(DetectorKind::from_name(kind.name()), Some(kind));
        assert_eq!(kind.defaults().kind(), kind);
        assert_eq!(DetectorKind::ALL[kind as usize], kind);
    }
    assert_eq!(DetectorKind::from_name("kswin"), None);
}

#[test]
fn a_state_stays_small() {
    let values = errors(300_000, |_| 0.3);
    for mut detector in detectors() {
        values.iter().enumerate().for_each(|(place, &value)| {
            detector.update(value, 1_760_000_000_000 + place as i64 * 1000);
        });
        let size = bytes_of(&detector).len();
        println!("{}: {size} bytes", detector.kind().name());
        assert!(size < 2000, "{}: {size} bytes", detector.kind().name());
    }
}

/// Losses of every size, with runs in which the level stays.
fn losses() -> impl Strategy<Value = Vec<f64>> {
    let bit = prop::bool::ANY.prop_map(|bit| f64::from(u8::from(bit)));
    let bits = prop::collection::vec(bit, 0..80);
    let run = (prop_oneof![Just(0.0), Just(1.0), 0.0..1.0, -1e3..1e3, -1e100..1e100], 1..60usize)
        .prop_map(|(level, length)| vec![level; length]);
    prop::collection::vec(prop_oneof![bits, run], 0..8).prop_map(|runs| runs.concat())
}

proptest! {
    #[test]
    fn a_restored_detector_goes_on_to_the_bit(values in losses(), every in 1..40usize) {
        for mut detector in all_ways() {
            let mut other = detector.clone();
            for (place, &value) in values.iter().enumerate() {
                prop_assert_eq!(detector.update(value, place as i64), other.update(value, place as i64));
                if place.is_multiple_of(every) {
                    other = restored(&other);
                }
            }
            prop_assert_eq!(bytes_of(&detector), bytes_of(&other));
            prop_assert_eq!(detector, other);
        }
    }

    #[test]
    fn damaged_bytes_do_no_harm(values in losses(), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
        for mut detector in all_ways() {
            values.iter().enumerate().for_each(|(place, &value)| {
                detector.update(value, place as i64);
            });
            let mut bytes = bytes_of(&detector);
            prop_assert!(Detector::decode(&mut &bytes[..cut.index(bytes.len())]).is_err());
            let place = at.index(bytes.len());
            bytes[place] = byte;
            survives(&bytes)?;
        }
    }

    #[test]
    fn bytes_that_nobody_wrote_do_no_harm(mut bytes in prop::collection::vec(any::<u8>(), 0..80), kind in 0..6u8) {
        if let Some(first) = bytes.first_mut() {
            *first = kind;
        }
        survives(&bytes)?;
    }
}

/// What is decoded encodes to the bytes that were read, and can be used.
fn survives(bytes: &[u8]) -> Result<(), TestCaseError> {
    let mut input = bytes;
    if let Ok(mut detector) = Detector::decode(&mut input) {
        prop_assert_eq!(bytes_of(&detector), &bytes[..bytes.len() - input.len()]);
        for place in 0..200 {
            detector.update(f64::from(u8::from(place % 3 == 0)), place);
        }
    }
    Ok(())
}

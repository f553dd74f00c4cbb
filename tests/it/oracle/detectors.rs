//! The detectors of concept drift against River on recorded streams: the same alarms, the same warnings.

use super::compare::Comparison;
use crate::shared::shared;
use flate2::read::GzDecoder;
use postdict::aggregate::Wire;
use postdict::drift::detectors::{
    Adwin, AdwinParameters, DdmParameters, Detector, DetectorKind, DetectorParameters, Direction, EddmParameters,
    HddmAParameters, HddmWParameters, Order, Outcome, PageHinkleyParameters, Point, Signal, Sorter,
};
use serde_json::Value;
use std::fs;
use std::io::Read;
use std::path::Path;

/// Sets with recorded streams, and how many detectors of ours were run on each of the two orders.
const SETS: [(&str, usize); 5] =
    [("nml_car_loan", 9), ("nml_car_price", 3), ("nml_multiclass", 9), ("nyc_flights_reg", 3), ("weather", 9)];

/// Detectors of River that Postdict does not have.
const OTHERS: [&str; 2] = ["FHDDM", "KSWIN"];

fn json(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// The last column of a recorded stream.
fn stream(path: &Path) -> Vec<f64> {
    let mut text = String::new();
    GzDecoder::new(fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    text.lines().skip(1).map(|line| line.rsplit(',').next().unwrap().parse().unwrap()).collect()
}

fn adwin(name: &str) -> Option<AdwinParameters> {
    let delta = match name {
        "ADWIN" | "ADWIN()" => return Some(AdwinParameters::default()),
        "ADWIN(delta=0.0001)" => 0.0001,
        "ADWIN(delta=0.05)" => 0.05,
        _ => return None,
    };
    Some(AdwinParameters { delta, ..AdwinParameters::default() })
}

/// What River's names for a detector mean; `None` for those that Postdict does not have.
fn parameters(name: &str) -> Option<DetectorParameters> {
    if let Some(adwin) = adwin(name) {
        return Some(DetectorParameters::Adwin(adwin));
    }
    let page_hinkley = PageHinkleyParameters::default();
    Some(match name.trim_end_matches("()") {
        "DDM" => DetectorKind::Ddm.defaults(),
        "EDDM" => DetectorKind::Eddm.defaults(),
        "EDDM(alpha=0.8,beta=0.75)" => {
            DetectorParameters::Eddm(EddmParameters { alpha: 0.8, beta: 0.75, ..EddmParameters::default() })
        }
        "HDDM_A" => DetectorKind::HddmA.defaults(),
        "HDDM_W" => DetectorKind::HddmW.defaults(),
        "PageHinkley" => DetectorParameters::PageHinkley(page_hinkley),
        "PageHinkley(threshold=20,mode=up)" => DetectorParameters::PageHinkley(PageHinkleyParameters {
            threshold: 20.0,
            direction: Direction::Up,
            ..page_hinkley
        }),
        "PageHinkley(threshold=500,delta=0.005)" => {
            DetectorParameters::PageHinkley(PageHinkleyParameters { threshold: 500.0, delta: 0.005, ..page_hinkley })
        }
        _ => {
            assert!(OTHERS.iter().any(|other| name.starts_with(other)), "what is {name}?");
            return None;
        }
    })
}

/// Where a detector fires and where it warns, as River counts: a warning of EDDM holds at the value at which it fires.
#[derive(Debug, Default, PartialEq)]
struct Found {
    alarms: Vec<u64>,
    warnings: Vec<u64>,
}

impl Found {
    /// By the detector on `values`; `restart_every` so many values it is written down and read back.
    fn by(parameters: DetectorParameters, values: &[f64], restart_every: Option<usize>) -> Found {
        let mut detector = Detector::try_new(parameters).unwrap();
        let mut found = Found::default();
        for (place, &value) in (0..).zip(values) {
            match detector.update(value, place as i64) {
                Signal::Stable => {}
                Signal::Warning => found.warnings.push(place),
                Signal::Drift(_) => {
                    found.alarms.push(place);
                    let warned = found.warnings.last().is_some_and(|last| last + 1 == place);
                    if detector.kind() == DetectorKind::Eddm && warned {
                        found.warnings.push(place);
                    }
                }
            }
            if restart_every.is_some_and(|every| (place as usize).is_multiple_of(every)) {
                detector = restarted(&detector);
            }
        }
        assert_eq!((detector.taken(), detector.refused()), (values.len() as u64, 0));
        found
    }

    /// Runs of neighbouring warnings, first and last.
    fn warning_runs(&self) -> Vec<[u64; 2]> {
        let mut runs: Vec<[u64; 2]> = Vec::new();
        for &place in &self.warnings {
            match runs.last_mut() {
                Some(run) if run[1] + 1 == place => run[1] = place,
                _ => runs.push([place, place]),
            }
        }
        runs
    }
}

fn restarted(detector: &Detector) -> Detector {
    let mut bytes = Vec::new();
    detector.encode(&mut bytes);
    Detector::decode(&mut &bytes[..]).unwrap()
}

fn numbers<T: serde::de::DeserializeOwned>(value: &Value) -> Vec<T> {
    if value.is_null() { Vec::new() } else { serde_json::from_value(value.clone()).unwrap() }
}

/// Notes a list that must be equal; each of its entries counts, and the list itself.
fn compare<T: PartialEq + std::fmt::Debug>(
    comparison: &mut Comparison,
    place: &str,
    name: &str,
    found: &[T],
    expected: &[T],
) {
    let first = (0..found.len().max(expected.len())).find(|&i| found.get(i) != expected.get(i));
    let verdict =
        first.map_or(Ok(()), |i| Err(format!("{:?}, expected {:?} (entry {i})", found.get(i), expected.get(i))));
    comparison.note(place, name, verdict);
    (0..expected.len()).for_each(|_| comparison.note(place, name, Ok(())));
}

fn compare_detector(comparison: &mut Comparison, place: &str, found: &Found, expected: &Value) {
    compare(comparison, place, "alarms", &found.alarms, &numbers(&expected["alarms"]));
    compare(comparison, place, "warning runs", &found.warning_runs(), &numbers(&expected["warning_runs"]));
    assert_eq!(expected["n_warnings"].as_u64().unwrap_or(0), found.warnings.len() as u64, "{place}");
}

/// Width, mean and squared deviations of ADWIN's window after each alarm and at the end.
fn compare_window(
    comparison: &mut Comparison,
    place: &str,
    parameters: AdwinParameters,
    values: &[f64],
    expected: &Value,
) {
    let mut adwin = Adwin::try_new(parameters).unwrap();
    let mut after_alarms = Vec::new();
    for (index, &value) in (0..).zip(values) {
        if let Signal::Drift(_) = adwin.update(value, Point { index, time: 0 }) {
            after_alarms.push([index as f64, adwin.mean(), adwin.width() as f64, adwin.deviation()]);
        }
    }
    compare(comparison, place, "after alarms", &after_alarms, &numbers::<[f64; 4]>(&expected["after_alarm"]));
    let end = &expected["final"];
    for (name, found) in
        [("estimation", adwin.mean()), ("width", adwin.width() as f64), ("variance", adwin.deviation())]
    {
        comparison.equal(place, name, found, end[name].as_f64().unwrap());
    }
}

/// For each set, order and detector of ours: its name, parameters, stream, and what River found.
fn each_recorded(shared: &Path, mut visit: impl FnMut(&str, &str, DetectorParameters, &[f64], &Value)) {
    let folder = shared.join("expected/river");
    for (set, ours) in SETS {
        let recorded = json(&folder.join(format!("{set}.json")));
        for order in ["pred", "label"] {
            let values = stream(&folder.join(format!("streams/{set}.{order}.csv.gz")));
            assert_eq!(Some(values.len() as u64), recorded["n"].as_u64());
            let detectors = recorded[order]["detectors"].as_object().unwrap();
            let known = detectors.iter().filter_map(|(name, expected)| Some((name, parameters(name)?, expected)));
            let mut count = 0;
            for (name, parameters, expected) in known {
                count += 1;
                visit(&format!("{set} {order} {name}"), name, parameters, &values, expected);
            }
            assert_eq!(count, ours, "{set} {order}");
        }
    }
}

#[test]
fn detectors_fire_and_warn_where_river_does() {
    let Some(shared) = shared("detectors_fire_and_warn_where_river_does") else { return };
    let mut comparison = Comparison::of("detectors");
    each_recorded(&shared, |place, name, parameters, values, expected| {
        compare_detector(&mut comparison, place, &Found::by(parameters, values, None), expected);
        if let Some(parameters) = adwin(name) {
            compare_window(&mut comparison, place, parameters, values, expected);
        }
    });
    comparison.finish(14_502);
}

#[test]
fn detectors_that_are_restored_find_the_same() {
    let Some(shared) = shared("detectors_that_are_restored_find_the_same") else { return };
    let mut comparison = Comparison::of("restored detectors");
    each_recorded(&shared, |place, _, parameters, values, expected| {
        compare_detector(&mut comparison, place, &Found::by(parameters, values, Some(7)), expected);
    });
    comparison.finish(14_209);
}

#[test]
fn detectors_fire_where_rivers_documentation_says() {
    let Some(shared) = shared("detectors_fire_where_rivers_documentation_says") else { return };
    let recorded = json(&shared.join("expected/river/doctest_streams.json"));
    let mut comparison = Comparison::of("River's documented cases");
    for case in recorded["cases"].as_array().unwrap() {
        let name = case["detector"].as_str().unwrap();
        let Some(parameters) = parameters(name) else { continue };
        let values: Vec<f64> = numbers(&recorded["streams"][case["stream"].as_str().unwrap()]);
        for every in [None, Some(1), Some(13)] {
            let found = Found::by(parameters, &values, every);
            compare(&mut comparison, name, "alarms", &found.alarms, &numbers(&case["documented"]["alarms"]));
            compare(
                &mut comparison,
                name,
                "first warnings",
                &first_warnings(&found),
                &numbers(&case["documented"]["first_warnings"]),
            );
        }
    }
    comparison.finish(69);
}

/// The first warning, and the first after each alarm.
fn first_warnings(found: &Found) -> Vec<u64> {
    let starts = std::iter::once(0).chain(found.alarms.iter().map(|alarm| alarm + 1));
    let ends = found.alarms.iter().copied().chain([u64::MAX]);
    let first = |(start, end)| found.warnings.iter().copied().find(|place| (start..end).contains(place));
    starts.zip(ends).filter_map(first).collect()
}

/// A stream of River's documentation, as it is or reversed, and what River 0.26.1 found in it with parameters that the
/// recorded files do not have.
struct Case {
    stream: &'static str,
    reversed: bool,
    parameters: DetectorParameters,
    alarms: &'static [u64],
    warning_count: usize,
}

fn more_cases() -> Vec<Case> {
    let two_sided_a = HddmAParameters { two_sided: true, ..HddmAParameters::default() };
    let two_sided_w = HddmWParameters { two_sided: true, ..HddmWParameters::default() };
    let loose_a = HddmAParameters { drift_confidence: 0.05, warning_confidence: 0.1, two_sided: true };
    let loose_w = HddmWParameters { drift_confidence: 0.01, warning_confidence: 0.05, lambda: 0.1, two_sided: true };
    let down = PageHinkleyParameters { threshold: 20.0, direction: Direction::Down, ..Default::default() };
    let no_forgetting = PageHinkleyParameters { min_instances: 10, delta: 0.05, threshold: 10.0, alpha: 1.0, ..down };
    let quick = AdwinParameters { delta: 0.1, clock: 1, max_buckets: 2, min_window_length: 1, grace_period: 0 };
    let fine =
        AdwinParameters { clock: 8, max_buckets: 10, min_window_length: 3, grace_period: 50, ..Default::default() };
    let ddm = DdmParameters { warm_start: 10, warning_threshold: 1.0, drift_threshold: 2.0 };
    let case = |stream, reversed, parameters, alarms, warning_count| Case {
        stream,
        reversed,
        parameters,
        alarms,
        warning_count,
    };
    vec![
        case("B_42", false, DetectorParameters::HddmA(two_sided_a), &[1206], 75),
        case("B_42", true, DetectorParameters::HddmA(two_sided_a), &[1020], 14),
        case("B_42", true, DetectorParameters::HddmA(loose_a), &[417, 447, 1120, 1284, 1318, 1509, 1557, 1969], 115),
        case("B_42", false, DetectorParameters::HddmW(two_sided_w), &[1077], 20),
        case("B_42", true, DetectorParameters::HddmW(two_sided_w), &[1010, 1509], 12),
        case("B_42", true, DetectorParameters::HddmW(loose_w), &[970, 1083, 1503, 1555, 1958, 1992], 176),
        case("B_42", false, DetectorParameters::Ddm(ddm), &[33, 63, 121, 243, 266, 863, 907, 1072], 1775),
        case("B_42", true, DetectorParameters::PageHinkley(down), &[1025, 1498], 0),
        case("B_42", true, DetectorParameters::PageHinkley(no_forgetting), &[1009], 0),
        case("A_12345", false, DetectorParameters::Adwin(quick), &[1001], 0),
        case("A_12345", true, DetectorParameters::Adwin(fine), &[1007], 0),
        case("B_42", false, DetectorParameters::Adwin(AdwinParameters { delta: 0.3, ..quick }), &[1119], 0),
    ]
}

#[test]
fn detectors_with_other_parameters_fire_where_river_does() {
    let Some(shared) = shared("detectors_with_other_parameters_fire_where_river_does") else { return };
    let recorded = json(&shared.join("expected/river/doctest_streams.json"));
    let mut comparison = Comparison::of("detectors with other parameters");
    for Case { stream, reversed, parameters, alarms, warning_count } in more_cases() {
        let mut values: Vec<f64> = numbers(&recorded["streams"][stream]);
        if reversed {
            values.reverse();
        }
        let found = Found::by(parameters, &values, Some(5));
        let place = format!("{parameters:?}");
        compare(&mut comparison, &place, "alarms", &found.alarms, alarms);
        compare(&mut comparison, &place, "warnings", &[found.warnings.len()], &[warning_count]);
    }
    comparison.finish(69);
}

/// The values of a stream as they leave a sorter into which `partitions` bring them, each in bursts of its own length.
fn through_partitions(values: &[f64], partitions: usize) -> Vec<f64> {
    let mut inputs = vec![Vec::new(); partitions];
    for (place, &loss) in (0..).zip(values) {
        let request_id = format!("id-{place}").into_bytes().into_boxed_slice();
        let outcome = Outcome { label_time: place, prediction_time: place - 10, request_id, loss, source: 0 };
        inputs[(place as usize).wrapping_mul(7919) / 3 % partitions].push(outcome);
    }
    let mut inputs: Vec<_> = inputs.into_iter().map(|input| input.into_iter().peekable()).collect();
    let mut sorter = Sorter::new(Order::LabelTime, 100_000);
    let mut sorted = Vec::new();
    while inputs.iter_mut().any(|input| input.peek().is_some()) {
        for (number, input) in inputs.iter_mut().enumerate() {
            input.by_ref().take(1 + number * 61 % 97).for_each(|outcome| sorter.insert(outcome));
        }
        let unread = inputs.iter_mut().filter_map(|input| Some(input.peek()?.label_time)).min();
        sorter.release(unread.unwrap_or(i64::MAX), |outcome| sorted.push(outcome.loss));
    }
    assert_eq!((sorter.late(), sorter.dropped()), (0, 0));
    sorted
}

#[test]
fn partitions_do_not_move_an_alarm() {
    let Some(shared) = shared("partitions_do_not_move_an_alarm") else { return };
    let folder = shared.join("expected/river");
    let expected = json(&folder.join("weather.json"));
    let values = stream(&folder.join("streams/weather.label.csv.gz"));
    let mut comparison = Comparison::of("detectors behind partitions");
    for partitions in 1..=8 {
        let sorted = through_partitions(&values, partitions);
        for (name, expected) in expected["label"]["detectors"].as_object().unwrap() {
            let Some(parameters) = parameters(name) else { continue };
            let place = format!("{name}, {partitions} partitions");
            compare_detector(&mut comparison, &place, &Found::by(parameters, &sorted, None), expected);
        }
    }
    comparison.finish(4_392);
}

/// Where the data documents a change, the change that is found near it is estimated to have begun near it.
#[test]
fn changes_are_placed_where_they_are_documented() {
    let Some(shared) = shared("changes_are_placed_where_they_are_documented") else { return };
    let places = [
        ("nml_car_loan", 25_000, ["adwin", "ddm", "hddm_a"].as_slice()),
        ("nml_car_price", 30_000, &["adwin"]),
        ("nml_multiclass", 30_000, &["adwin", "ddm", "hddm_a", "page_hinkley"]),
    ];
    for (set, documented, names) in places {
        let values = stream(&shared.join(format!("expected/river/streams/{set}.pred.csv.gz")));
        for name in names {
            let mut detector = Detector::try_new(DetectorKind::from_name(name).unwrap().defaults()).unwrap();
            let changes = (0..).zip(&values).filter_map(|(place, &value)| detector.update(value, place).change());
            let off = changes.map(|change| change.began.index.abs_diff(documented)).min().unwrap();
            println!("{set} {name}: {off} values off");
            assert!(off < 500, "{set} {name}: {off} values off");
        }
    }
}

//! Detectors that are configured wrong: each with the place, the path, and what is said about it.

use super::wrong::assert_one_problem_each;

/// Each has one problem: at a place, about a path, saying something, with something to do about it.
const ONE_PROBLEM: &[(&str, &str, &str, &str, &str)] = &[
    ("models: {a: {detectors: {}}}", "1:25", "models.a.detectors", "no detector is named", "`detectors: none`"),
    (
        "models: {a: {detectors: {adwim: {}}}}",
        "1:26",
        "models.a.detectors.adwim",
        "unknown key `adwim`",
        "did you mean `adwin`?",
    ),
    (
        "models: {a: {detectors: {adwin: {detla: 0.1}}}}",
        "1:34",
        "models.a.detectors.adwin.detla",
        "unknown key `detla`",
        "did you mean `delta`?",
    ),
    (
        "models:\n  a:\n    detectors:\n      adwin: {delta: 1}\n",
        "4:22",
        "models.a.detectors.adwin.delta",
        "`delta` is out of range",
        "expected between 0 and 1",
    ),
    (
        "models: {a: {detectors: {ddm: {warning_threshold: 4}}}}",
        "1:31",
        "models.a.detectors.ddm",
        "`drift_threshold` is out of range",
        "expected finite and at least `warning_threshold`",
    ),
    (
        "models: {a: {detectors: {adwin: {clock: 1.5}}}}",
        "1:41",
        "models.a.detectors.adwin.clock",
        "`1.5` is not whole",
        "expected a whole number",
    ),
    (
        "models: {a: {detectors: {page_hinkley: {direction: left}}}}",
        "1:52",
        "models.a.detectors.page_hinkley.direction",
        "unknown value `left`",
        "one of `up`, `down`",
    ),
    (
        "models: {a: {detectors: {adwin: {}, order: arrival}}}",
        "1:44",
        "models.a.detectors.order",
        "unknown value `arrival`",
        "`label_time`",
    ),
    (
        "models: {a: {task: regression, detectors: {ddm: {}}}}",
        "1:49",
        "models.a.detectors.ddm",
        "`ddm` reads losses from 0 to 1, and an absolute error can be larger",
        "use `adwin` or `page_hinkley`",
    ),
    (
        "defaults: {detectors: {loss: log_loss, eddm: {}}}",
        "1:46",
        "defaults.detectors.eddm",
        "`eddm` reads losses from 0 to 1, and a log loss can be larger",
        "use `adwin` or `page_hinkley`",
    ),
    (
        "models: {a: {task: regression, detectors: {loss: log_loss, adwin: {}}}}",
        "1:50",
        "models.a.detectors.loss",
        "predictions of a number have no log loss",
        "write `loss: error`",
    ),
];

#[test]
fn each_wrong_detector_is_named_with_its_place() {
    assert_one_problem_each(ONE_PROBLEM);
}

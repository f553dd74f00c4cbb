//! Flights with rules that fire and resolve on them, of every kind that final windows decide: what is told of them has to be
//! what `replay` tells, whatever happens to processes.

use super::verifier::{Changes, counted};
use super::{Process, Service};

/// State leaves soon, and windows are final soon; every flight has landed by then.
pub const ALERTED_FLIGHTS: &str = r#"
defaults: {windows: [6h, 1d], label_horizon: 1d, correction_horizon: 1h}
models:
  flight-late15:
    task: binary
    segments: [origin]
    reference: flights.json
    detectors: {adwin: {}, ddm: {}}
    drift: {by_segment: true, compare_with: [fixed, previous]}
    alerts:
      - {id: many, metric: predictions, max: 360}
      - {id: inaccurate, metric: accuracy, warning: {min: 0.65}, critical: {min: 0.5}, clear: {min: 0.68}, repeat: 12h}
      - {id: inaccurate-at, metric: accuracy, segment: "origin=*", min: 0.65, fire: {windows: 2, of: 3}, clear_after: 2}
      - {id: uncovered, metric: label_coverage, segment: "origin=*", min: 0.93, group: true}
      - {id: uncovered-day, metric: label_coverage, min: 0.94, window: 1d}
      - {id: moved, metric: mean_score, compared_with: {trailing: 3}, rise: 20%, fall: 20%, cooldown: 12h}
      - {id: odd, metric: predictions, dynamic: {trailing: 8}, side: both, alpha: 0.05, segment: "origin=*"}
      - {id: missed, metric: recall, min: 0.3, certain: true, inhibited_by: [inaccurate]}
      - {id: held, metric: accuracy, version: "*", min: 0.7, warm_up: 1d, inhibited_by: [uncovered-day]}
      - {id: drift, metric: drifted_share, max: 0.3, window: 1d, min_count: 1}
      - {id: changed, metric: adwin_drift, max: 0, min_count: 1}
      - {id: many-and-inaccurate, all_of: [many, inaccurate]}
      - {id: any, any_of: [uncovered-day, inaccurate-at], severity: critical}
      - {id: early, metric: accuracy, segment: "origin=*", min: 0.6, provisional: true, maturity: {coverage: 50%}}
"#;

/// Rules that at least some days of the flights break, and keep again.
const BROKEN: [&str; 6] = ["many", "inaccurate", "inaccurate-at", "uncovered", "moved", "any"];

impl Service {
    /// As `Service::ends_as_replay`, and every kind of rule has fired and resolved.
    pub(super) fn ends_as_replay_with_alerts(&self, running: Vec<Process>) -> Changes {
        self.ends_as_replay(running);
        let told = self.told();
        let counts = counted(&told);
        for rule in BROKEN {
            for state in ["firing", "resolved"] {
                let count = counts.get(&(rule.to_owned(), state.to_owned()));
                assert!(count.is_some(), "{}: {rule} is never {state}: {counts:?}", self.name);
            }
        }
        told
    }
}

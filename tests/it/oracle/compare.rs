//! Compares values with what another tool found, by the rule that holds for the metric, and counts what was compared.

use super::fold::{Metrics, Row};

/// How close a value must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// A count: equal.
    Exact,
    /// From exact sums: to 1e-9, relative for numbers above 1.
    Close,
    /// From bins: within its own error bound and, as bounds of few rows are wide, close enough to be of use.
    Bounded,
    /// From bins, of values in a unit of their own: within its own error bound.
    WithinBound,
}

/// Relative and absolute difference that rounding in the other tool may make.
const CLOSE: f64 = 1e-9;
/// What rounding may add to an error bound.
const ROUNDING: f64 = 1e-12;
/// What bins may cost at most, whatever the bound: 2 %, of 1 or of greater numbers. It is reached only by average
/// precision over some ninety rows.
const USEFUL: f64 = 0.02;
/// Where other tools say 0 or nothing, a value may be missing for one of these reasons.
const REASONS: [&str; 4] = ["zero_denominator", "single_class", "negative_values", "no_labels"];

/// What was compared, and what was wrong.
pub struct Comparison {
    what: String,
    compared: usize,
    wrong: Vec<String>,
}

impl Comparison {
    /// Of `what`, nothing yet.
    pub fn of(what: impl Into<String>) -> Comparison {
        Comparison { what: what.into(), compared: 0, wrong: Vec::new() }
    }

    /// Compares the row `name` of `metrics` with `expected`; `None` is a value that the other tool could not give.
    pub fn check(&mut self, place: &str, metrics: &Metrics, name: &str, rule: Rule, expected: Option<f64>) {
        let verdict = match metrics.get(name) {
            None => Err("no row".to_owned()),
            Some(row) => judge(row, rule, expected),
        };
        self.note(place, name, verdict);
    }

    /// Counts a comparison made elsewhere.
    pub fn note(&mut self, place: &str, name: &str, verdict: Result<(), String>) {
        self.compared += 1;
        if let Err(why) = verdict {
            self.wrong.push(format!("{place}: {name}: {why}"));
        }
    }

    /// Compares two numbers that must be equal.
    pub fn equal(&mut self, place: &str, name: &str, found: f64, expected: f64) {
        let verdict = if found == expected { Ok(()) } else { Err(format!("{found}, expected {expected}")) };
        self.note(place, name, verdict);
    }

    /// Panics if anything was wrong, or if fewer than `at_least` values were compared.
    pub fn finish(self, at_least: usize) {
        let Comparison { what, compared, wrong } = self;
        let shown: Vec<&str> = wrong.iter().take(40).map(String::as_str).collect();
        assert!(wrong.is_empty(), "{what}: {} of {compared} are wrong:\n{}", wrong.len(), shown.join("\n"));
        println!("{what}: {compared} values agree");
        assert!(compared >= at_least, "{what}: {compared} values compared, {at_least} were to be");
    }
}

fn judge(row: &Row, rule: Rule, expected: Option<f64>) -> Result<(), String> {
    match (row.value, expected) {
        (Some(found), Some(expected)) => within(found, rule, row.error_bound, expected),
        (Some(found), None) => Err(format!("{found}, where nothing is defined")),
        (None, expected) => {
            let reason = row.undefined_reason.as_deref().unwrap_or_default();
            let agrees = match expected {
                None => REASONS.contains(&reason),
                // What others call 0, for want of a number.
                Some(expected) => expected == 0.0 && reason == "zero_denominator",
            };
            if agrees { Ok(()) } else { Err(format!("null ({reason}), expected {expected:?}")) }
        }
    }
}

fn within(found: f64, rule: Rule, error_bound: Option<f64>, expected: f64) -> Result<(), String> {
    let scale = expected.abs().max(1.0);
    let difference = (found - expected).abs();
    let allowed = match (rule, error_bound) {
        (Rule::Exact, None) => 0.0,
        (Rule::Close, None) => CLOSE * scale,
        (Rule::WithinBound, Some(bound)) => bound + ROUNDING * scale,
        (Rule::Bounded, Some(bound)) => (bound + ROUNDING * scale).min(USEFUL * scale),
        (_, bound) => return Err(format!("{found}, expected {expected}: the error bound is {bound:?}")),
    };
    // Written so that a difference that is no number is wrong.
    if difference <= allowed {
        Ok(())
    } else {
        Err(format!("{found}, expected {expected}: off by {difference:e}, allowed {allowed:e}"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::fold::row;
    use super::*;

    fn judged(value: Result<f64, &str>, bound: Option<f64>, rule: Rule, expected: Option<f64>) -> bool {
        let mut row = row("m", value);
        row.error_bound = bound;
        judge(&row, rule, expected).is_ok()
    }

    #[test]
    fn each_rule_allows_what_it_says() {
        assert!(judged(Ok(3.0), None, Rule::Exact, Some(3.0)) && !judged(Ok(3.1), None, Rule::Exact, Some(3.0)));
        assert!(
            judged(Ok(2e9), None, Rule::Close, Some(2e9 + 1.0)) && !judged(Ok(2e9), None, Rule::Close, Some(2e9 + 9.0))
        );
        assert!(judged(Ok(0.5), Some(0.001), Rule::Bounded, Some(0.5009)));
        assert!(!judged(Ok(0.5), Some(0.001), Rule::Bounded, Some(0.5011)), "beyond the bound");
        assert!(!judged(Ok(0.5), None, Rule::Bounded, Some(0.5)), "without a bound");
        assert!(!judged(Ok(0.5), Some(0.2), Rule::Bounded, Some(0.53)), "within a bound that proves nothing");
        assert!(!judged(Ok(0.5), Some(0.01), Rule::Close, Some(0.5)), "with a bound where none is due");
        assert!(!judged(Ok(f64::NAN), None, Rule::Close, Some(0.5)));
    }

    #[test]
    fn only_a_zero_denominator_agrees_with_zero() {
        assert!(judged(Err("zero_denominator"), None, Rule::Close, Some(0.0)));
        assert!(!judged(Err("zero_denominator"), None, Rule::Close, Some(0.1)));
        assert!(!judged(Err("no_labels"), None, Rule::Close, Some(0.0)));
        assert!(judged(Err("single_class"), None, Rule::Close, None));
        assert!(!judged(Err("whatever"), None, Rule::Close, None) && !judged(Ok(0.0), None, Rule::Close, None));
    }

    #[test]
    #[should_panic(expected = "1 values compared, 2 were to be")]
    fn comparing_too_little_is_seen() {
        let mut comparison = Comparison::of("it");
        comparison.equal("here", "n", 1.0, 1.0);
        comparison.finish(2);
    }

    #[test]
    #[should_panic(expected = "here: m: no row")]
    fn a_missing_row_is_seen() {
        let mut comparison = Comparison::of("it");
        comparison.check("here", &Metrics::new(), "m", Rule::Exact, Some(0.0));
        comparison.finish(1);
    }
}

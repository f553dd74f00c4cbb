//! `Gate`: what a history must show of the rules: `recall>=0.8`, `recall-low: alerts<=3`.

use super::sweep::unknown_rule;
use super::{Figure, Report};
use crate::config::nearest_name;
use serde::Serialize;
use std::sync::Arc;

/// Which side of its bound a figure must be on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    AtLeast,
    AtMost,
}

/// A bound of a figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Gate {
    text: String,
    rule: Option<Arc<str>>,
    figure: Figure,
    side: Side,
    bound: f64,
}

/// What became of a gate.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judged {
    /// The gate as it was given.
    pub gate: String,
    /// It holds.
    pub holds: bool,
    /// The figure; `None` where it is undefined.
    pub value: Option<f64>,
    /// The figure for people, or why there is none.
    pub found: String,
}

impl Gate {
    /// Reads `[RULE:] FIGURE>=VALUE` or `<=`, of rules with these ids.
    ///
    /// # Errors
    /// With what is wrong, and what could be meant.
    pub fn parse(text: &str, rules: &[Arc<str>], knows_incidents: bool) -> Result<Gate, String> {
        let wrong = |why: String| format!("--require `{text}`: {why}");
        let (rule, bound) = match text.split_once(':') {
            Some((rule, bound)) => (Some(rule.trim()), bound),
            None => (None, text),
        };
        let sides = [(">=", Side::AtLeast), ("<=", Side::AtMost)];
        let parts = sides.iter().find_map(|(sign, side)| Some((bound.split_once(sign)?, *side)));
        let ((name, value), side) =
            parts.ok_or_else(|| wrong("write `FIGURE>=VALUE` or `FIGURE<=VALUE`, such as `recall>=0.8`".to_owned()))?;
        let (name, value) = (name.trim(), value.trim());
        let names = || Figure::ALL.iter().map(|(name, _)| *name);
        let figure =
            Figure::ALL.iter().find(|(known, _)| *known == name).map(|(_, figure)| *figure).ok_or_else(|| {
                wrong(match nearest_name(name, names()) {
                    Some(near) => format!("there is no figure `{name}`; did you mean `{near}`?"),
                    None => {
                        format!("there is no figure `{name}`; there are {}", names().collect::<Vec<_>>().join(", "))
                    }
                })
            })?;
        let rule = match rule {
            Some(id) => {
                let known = rules.iter().find(|known| ***known == *id);
                Some(Arc::clone(known.ok_or_else(|| wrong(unknown_rule(id, rules.iter().map(|id| &**id))))?))
            }
            None => None,
        };
        if figure.needs_incidents() && !knows_incidents {
            return Err(wrong(format!("`{name}` is not known without --incidents")));
        }
        let bound = figure.read(value).map_err(wrong)?;
        Ok(Gate { text: text.trim().to_owned(), rule, figure, side, bound })
    }

    /// Holds it against a report. Where the figure is undefined it fails, except that no alert is no false one.
    pub fn judge(&self, report: &Report) -> Judged {
        let line = report.line(self.rule.as_deref());
        let value = line.and_then(|line| self.figure.of(&line.tally, line.score.as_ref()));
        let holds = match (value, self.side) {
            (None, _) => self.figure == Figure::Precision,
            (Some(value), Side::AtLeast) => value >= self.bound,
            (Some(value), Side::AtMost) => value <= self.bound,
        };
        let found = value.map_or_else(|| self.figure.why_undefined().to_owned(), |value| self.figure.written(value));
        Judged { gate: self.text.clone(), holds, value, found }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backtest::episodes_tests::episode;
    use crate::backtest::{Episode, History};
    use crate::config::Incident;

    fn rules() -> Vec<Arc<str>> {
        vec!["recall-low".into(), "drift".into()]
    }

    fn report(episodes: &[Episode], incidents: Option<&[Incident]>) -> Report {
        Report::new(episodes, &rules(), incidents, &[], History { from: 0, to: 100 })
    }

    #[test]
    fn gates_that_cannot_be_meant_say_why() {
        for (text, part) in [
            ("recall", "write `FIGURE>=VALUE`"),
            ("recall=0.8", "write `FIGURE>=VALUE`"),
            ("recal>=0.8", "did you mean `recall`?"),
            ("joy>=0.8", "there are alerts, open, critical, flapping, precision, recall, delay"),
            ("recall>=80", "`80` is not a share from 0 to 1"),
            ("alerts<=3.5", "`3.5` is not a whole number"),
            ("delay<=2", "`2` is no duration"),
            ("recal-low: alerts<=3", "did you mean `recall-low`?"),
        ] {
            let said = Gate::parse(text, &rules(), true).unwrap_err();
            assert!(said.contains(part) && said.contains(text), "{said}");
        }
        let said = Gate::parse("precision>=0.9", &rules(), false).unwrap_err();
        assert!(said.contains("not known without --incidents"), "{said}");
    }

    #[test]
    fn gates_hold_or_say_what_was_found() {
        let day = 86_400_000;
        let incident = |from_ms| Incident {
            name: format!("{from_ms}"),
            from_ms,
            to_ms: from_ms + 10,
            model: None,
            rules: Vec::new(),
        };
        let episodes = [episode("recall-low", 10, 15, Some(20)), episode("drift", 50, 55, None)];
        let report = report(&episodes, Some(&[incident(10), incident(30)]));
        for (text, holds, found) in [
            ("alerts<=2", true, "2"),
            ("alerts<=1", false, "2"),
            ("recall-low: alerts <= 1", true, "1"),
            ("open<=0", false, "1"),
            ("recall-low:open<=0", true, "0"),
            ("precision>=50%", true, "0.500"),
            ("precision>=0.9", false, "0.500"),
            ("recall>=0.5", true, "0.500"),
            ("drift: recall>=0.1", false, "0.000"),
            ("drift: delay<=2d", false, "no incident was told of"),
            ("delay<=2d", true, "5ms"),
        ] {
            let judged = Gate::parse(text, &rules(), true).unwrap().judge(&report);
            assert_eq!((judged.holds, judged.found.as_str()), (holds, found), "{text}");
        }
        assert_eq!(Gate::parse("delay<=2d", &rules(), true).unwrap().bound, 2.0 * f64::from(day));
    }

    #[test]
    fn what_is_undefined_fails_except_that_no_alert_is_no_false_one() {
        let healthy = report(&[], Some(&[]));
        let judged = |text: &str| Gate::parse(text, &rules(), true).unwrap().judge(&healthy);
        assert_eq!((judged("precision>=0.9").holds, judged("precision>=0.9").value), (true, None));
        assert!(!judged("recall>=0").holds && !judged("delay<=2d").holds);
    }
}

//! A number, or percent of something: `0.05` or `5%`.

use crate::config::document::Kind;
use crate::config::problem::Report;
use crate::config::section::{Item, Spanned};
use crate::event::alert::Unit;

/// A number as written and what it is in; finite.
pub(super) fn read(item: &Item<'_>, report: &mut Report, expected: &str) -> Option<(Spanned<f64>, Unit)> {
    let (kind, text) = item.scalar(report, expected)?;
    let percent = text.strip_suffix('%').filter(|_| kind == Kind::Text);
    let Some(percent) = percent else {
        return Some((item.number(report, f64::MIN..=f64::MAX, expected)?, Unit::Absolute));
    };
    match percent.trim_end().parse::<f64>().ok().filter(|number| number.is_finite()) {
        Some(value) => Some((Spanned { value, at: item.at() }, Unit::Percent)),
        None => {
            report.error(&item.at(), format!("`{text}` is no percentage")).expected(expected);
            None
        }
    }
}

/// A share of a whole, in [0, 1].
pub(super) fn read_share(item: &Item<'_>, report: &mut Report) -> Option<Spanned<f64>> {
    const EXPECTED: &str = "a share from 0 to 1, such as `90%` or `0.9`";
    let (number, unit) = read(item, report, EXPECTED)?;
    let share = if unit == Unit::Percent { number.value / 100.0 } else { number.value };
    if !(0.0..=1.0).contains(&share) {
        let problem = report.error(&number.at, "a share that is out of range").expected(EXPECTED);
        if unit == Unit::Absolute && (0.0..=100.0).contains(&share) {
            problem.help(format!("write `{share}%` if that is meant"));
        }
        return None;
    }
    Some(Spanned { value: share, at: number.at })
}

/// A number as in a message.
pub(super) fn shown(number: f64) -> String {
    match number == 0.0 || (1e-6..1e12).contains(&number.abs()) {
        true => format!("{number}"),
        false => format!("{number:e}"),
    }
}

//! Hours in which somebody is to be told: `{days: [monday, friday], from: "08:00", to: "18:00", offset: "+01:00"}`.

use crate::config::problem::Report;
use crate::config::section::{Item, Section};
use crate::event::Weekday;
use crate::event::alert::ActiveHours;

/// Minutes of a day.
const DAY: u16 = 24 * 60;
/// Farthest from Greenwich, in minutes.
const FARTHEST: u16 = 14 * 60;

/// Reads `active:`.
pub(super) fn read(item: &Item<'_>, report: &mut Report) -> Option<ActiveHours> {
    if !item.is_section() {
        item.wrong_type(report, "`{days: [monday, friday], from: \"08:00\", to: \"18:00\", offset: \"+01:00\"}`");
        return None;
    }
    let mut section = Section::open(item, report)?;
    let [days, from, to, offset] = ["days", "from", "to", "offset"].map(|key| section.take(key));
    let written = [&days, &from, &to, &offset].into_iter().flatten().count();
    let has_unknown = section.entries().count() > written;
    section.finish(report, &[], &[]);
    if [&days, &from, &to].into_iter().all(Option::is_none) && !has_unknown {
        report
            .error(&item.at(), "neither days nor hours")
            .expected("`days`, or `from` and `to`")
            .help("without `active` somebody is told at any time");
        return None;
    }
    if from.is_some() != to.is_some() {
        report.error(&item.at(), "hours with one end").expected("both `from` and `to`");
        return None;
    }
    let days = match days {
        Some(days) => read_days(&days, report),
        None => Some(Weekday::ALL.to_vec()),
    };
    let from_minute = match from {
        Some(from) => read_minute(&from, 0..DAY, report),
        None => Some(0),
    };
    let to_minute = match to {
        Some(to) => read_minute(&to, 1..DAY + 1, report),
        None => Some(DAY),
    };
    let offset_minutes = match offset {
        Some(offset) => read_offset(&offset, report),
        None => Some(0),
    };
    Some(ActiveHours { days: days?, from_minute: from_minute?, to_minute: to_minute?, offset_minutes: offset_minutes? })
}

fn read_days(item: &Item<'_>, report: &mut Report) -> Option<Vec<Weekday>> {
    let names = Weekday::ALL.map(|day| (day.name(), day));
    let items = item.list(report, "days such as `[monday, tuesday]`")?;
    let read: Vec<_> = items.iter().map(|item| item.choice(report, &names)).collect();
    let written = read.into_iter().collect::<Option<Vec<_>>>()?;
    let mut days: Vec<Weekday> = Vec::new();
    for day in &written {
        if days.contains(&day.value) {
            report.error(&day.at, format!("`{}` twice", day.value.name())).help("remove one of them");
            return None;
        }
        days.push(day.value);
    }
    days.sort_unstable();
    Some(days)
}

fn read_minute(item: &Item<'_>, range: std::ops::Range<u16>, report: &mut Report) -> Option<u16> {
    let expected = match range.start {
        0 => "a time of day from `\"00:00\"` to `\"23:59\"`",
        _ => "a time of day from `\"00:01\"` to `\"24:00\"`",
    };
    let text = item.text(report, expected)?;
    let minute = minutes(&text.value).filter(|minute| range.contains(minute));
    if minute.is_none() {
        report.error(&text.at, format!("`{}` is no such time of day", text.value)).expected(expected);
    }
    minute
}

fn read_offset(item: &Item<'_>, report: &mut Report) -> Option<i16> {
    const EXPECTED: &str = "how far east of Greenwich, from `\"-14:00\"` to `\"+14:00\"`";
    let text = item.text(report, EXPECTED)?;
    let signed = |text: &str| {
        let (sign, rest) = match text.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, text.strip_prefix('+')?),
        };
        let minutes = minutes(rest).filter(|minutes| *minutes <= FARTHEST)?;
        Some(sign * i16::try_from(minutes).ok()?)
    };
    let offset = signed(&text.value);
    if offset.is_none() {
        let problem = report.error(&text.at, format!("`{}` is no offset", text.value)).expected(EXPECTED);
        problem.help("zones with summer time have two offsets in a year: write the one that holds");
    }
    offset
}

/// Minutes in `08:30`.
fn minutes(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |text: &str| text.parse::<u16>().ok().filter(|_| text.len() == 2 && !text.starts_with('+'));
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    (hours <= 24 && minutes < 60).then_some(hours * 60 + minutes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_day_are_told_from_mistakes() {
        assert_eq!((minutes("00:00"), minutes("08:30"), minutes("24:00")), (Some(0), Some(510), Some(DAY)));
        for wrong in ["", "8", "8:00", "08.00", "08:60", "25:00", "+8:00", "08:00:00", "ab:cd"] {
            assert_eq!(minutes(wrong), None, "{wrong}");
        }
    }
}

//! `Comparison`: what a window is compared with: the fixed profile, or windows of the same model. Which those are is a
//! matter of event time alone, so it is the same however records came.

use super::{MAX_TIME_MS, Millis, WindowSpec};
use serde::{Deserialize, Serialize};
use std::ops::{Range, RangeInclusive};

const DAY_MS: Millis = 86_400_000;

/// What the windows of a model are compared with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Comparison {
    /// The profile that is in force.
    Fixed,
    /// The window of the same size that ends where this one begins.
    Previous,
    /// The windows of the same size, one after the other, of which the last ends where this one begins.
    Trailing {
        /// How many, > 0, those that are left out included.
        windows: u32,
        /// Those that begin on such a day are left out; ascending, without repetition.
        except: Vec<Weekday>,
    },
    /// The same window, so much earlier.
    Ago {
        /// A multiple of the pane, > 0. Longer windows are not compared with what they overlap.
        ms: Millis,
    },
    /// A span of event time, of any window that does not begin before its end.
    Span {
        /// Start, inclusive; a multiple of the pane.
        from_ms: Millis,
        /// End, exclusive, > start; a multiple of the pane.
        to_ms: Millis,
    },
}

/// A day of the week, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the days are what they are called")]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl Weekday {
    /// All days, the first of the week first.
    pub const ALL: [Weekday; 7] = [
        Weekday::Monday,
        Weekday::Tuesday,
        Weekday::Wednesday,
        Weekday::Thursday,
        Weekday::Friday,
        Weekday::Saturday,
        Weekday::Sunday,
    ];

    /// The name in the configuration and in what is published.
    pub fn name(self) -> &'static str {
        match self {
            Weekday::Monday => "monday",
            Weekday::Tuesday => "tuesday",
            Weekday::Wednesday => "wednesday",
            Weekday::Thursday => "thursday",
            Weekday::Friday => "friday",
            Weekday::Saturday => "saturday",
            Weekday::Sunday => "sunday",
        }
    }

    /// The day that `time` lies in.
    pub fn of(time: Millis) -> Weekday {
        // The first of January 1970 was a Thursday.
        Weekday::ALL[(time.div_euclid(DAY_MS) + 3).rem_euclid(7) as usize]
    }
}

impl Comparison {
    /// `reference_kind` of what is published: the same text for the same comparison alone.
    pub fn kind(&self) -> String {
        match self {
            Comparison::Fixed => "fixed".to_owned(),
            Comparison::Previous => "previous".to_owned(),
            Comparison::Trailing { windows, except } if except.is_empty() => format!("trailing_{windows}"),
            Comparison::Trailing { windows, except } => {
                let days: Vec<&str> = except.iter().map(|day| day.name()).collect();
                format!("trailing_{windows}_except_{}", days.join("_"))
            }
            Comparison::Ago { ms } => format!("ago_{}", length(*ms)),
            Comparison::Span { from_ms, to_ms } => format!("window_{}_{}", instant(*from_ms), instant(*to_ms)),
        }
    }

    /// True of all but the fixed profile.
    pub fn is_moving(&self) -> bool {
        *self != Comparison::Fixed
    }

    /// True if windows of `spec` can be compared so: they would not be compared with themselves in part.
    pub fn suits(&self, spec: WindowSpec) -> bool {
        match self {
            Comparison::Ago { ms } => *ms >= spec.size_ms,
            _ => true,
        }
    }

    /// The spans of event time that the window of `spec` at `start` is compared with, ascending and apart from each other;
    /// none if there is nothing to compare it with.
    pub fn spans(&self, spec: WindowSpec, start: Millis) -> Vec<Range<Millis>> {
        let size = spec.size_ms;
        let one = match self {
            Comparison::Fixed => None,
            Comparison::Previous => Some(start - size..start),
            Comparison::Trailing { windows, except } => return trailing(*windows, except, size, start),
            Comparison::Ago { ms } => Some(start - ms..start - ms + size),
            Comparison::Span { from_ms, to_ms } => (start >= *to_ms).then_some(*from_ms..*to_ms),
        };
        one.into_iter().collect()
    }

    /// Starts between which all windows of `spec` lie that are compared with `pane`, among others; `None` if there are none.
    pub fn referring(&self, spec: WindowSpec, pane: Millis) -> Option<RangeInclusive<Millis>> {
        match self {
            Comparison::Fixed => None,
            Comparison::Previous => Some(pane + 1..=pane + spec.size_ms),
            Comparison::Trailing { windows, .. } => Some(pane + 1..=pane + Millis::from(*windows) * spec.size_ms),
            Comparison::Ago { ms } => Some(pane + ms - spec.size_ms + 1..=pane + ms),
            Comparison::Span { from_ms, to_ms } => (*from_ms..*to_ms).contains(&pane).then_some(*to_ms..=MAX_TIME_MS),
        }
    }

    /// True if the window of `spec` at `start`, one of [`Self::referring`], is compared with `pane`.
    pub fn refers(&self, spec: WindowSpec, start: Millis, pane: Millis) -> bool {
        match self {
            Comparison::Trailing { except, .. } => {
                let back = (start - pane + spec.size_ms - 1).div_euclid(spec.size_ms);
                !except.contains(&Weekday::of(start - back * spec.size_ms))
            }
            _ => true,
        }
    }

    /// How far back from the start of a window of `spec` what it is compared with begins; of a span, its length.
    pub fn reach_ms(&self, spec: WindowSpec) -> Millis {
        match self {
            Comparison::Fixed => 0,
            Comparison::Previous => spec.size_ms,
            Comparison::Trailing { windows, .. } => Millis::from(*windows).saturating_mul(spec.size_ms),
            Comparison::Ago { ms } => *ms,
            Comparison::Span { from_ms, to_ms } => to_ms - from_ms,
        }
    }
}

/// The spans of so many windows of `size` before `start`, without those that begin on a day of `except`.
fn trailing(windows: u32, except: &[Weekday], size: Millis, start: Millis) -> Vec<Range<Millis>> {
    let mut spans: Vec<Range<Millis>> = Vec::new();
    for begins in (1..=Millis::from(windows)).rev().map(|back| start - back * size) {
        match spans.last_mut() {
            _ if except.contains(&Weekday::of(begins)) => {}
            Some(last) if last.end == begins => last.end = begins + size,
            _ => spans.push(begins..begins + size),
        }
    }
    spans
}

/// A length of time as a whole number of the largest unit: `7d`, `36h`, `90m`.
fn length(ms: Millis) -> String {
    const UNITS: [(Millis, &str); 4] = [(DAY_MS, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s")];
    let unit = UNITS.into_iter().find(|(unit, _)| ms % unit == 0);
    unit.map_or_else(|| format!("{ms}ms"), |(unit, name)| format!("{}{name}", ms / unit))
}

fn instant(ms: Millis) -> String {
    jiff::Timestamp::from_millisecond(ms).map_or_else(|_| ms.to_string(), |time| time.to_string())
}

#[cfg(test)]
#[expect(clippy::single_range_in_vec_init, reason = "one span is a list of spans, too")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TUMBLING: WindowSpec = WindowSpec { size_ms: DAY_MS, advance_ms: DAY_MS };
    const WEEKEND: [Weekday; 2] = [Weekday::Saturday, Weekday::Sunday];

    fn comparison(windows: u32, except: &[Weekday]) -> Comparison {
        Comparison::Trailing { windows, except: except.to_vec() }
    }

    #[test]
    fn kinds_have_names() {
        let kinds = [
            (Comparison::Fixed, "fixed"),
            (Comparison::Previous, "previous"),
            (comparison(7, &[]), "trailing_7"),
            (comparison(7, &WEEKEND), "trailing_7_except_saturday_sunday"),
            (Comparison::Ago { ms: 7 * DAY_MS }, "ago_7d"),
            (Comparison::Ago { ms: 5_400_000 }, "ago_90m"),
            (Comparison::Ago { ms: 1_500 }, "ago_1500ms"),
            (
                Comparison::Span { from_ms: 0, to_ms: 36 * 3_600_000 },
                "window_1970-01-01T00:00:00Z_1970-01-02T12:00:00Z",
            ),
        ];
        for (comparison, kind) in kinds {
            assert_eq!(comparison.kind(), kind);
        }
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        // 2026-05-01 was a Friday.
        let friday = 1_777_593_600_000;
        assert_eq!((Weekday::of(friday), Weekday::of(friday - 1)), (Weekday::Friday, Weekday::Thursday));
        assert_eq!((Weekday::of(0), Weekday::of(-1)), (Weekday::Thursday, Weekday::Wednesday));
    }

    #[test]
    fn what_is_excepted_leaves_a_gap() {
        // Monday 2026-05-04, after Thursday to Sunday.
        let monday = 1_777_593_600_000 + 3 * DAY_MS;
        let day = |back: Millis| monday - back * DAY_MS;
        assert_eq!(comparison(4, &[]).spans(TUMBLING, monday), [day(4)..day(0)]);
        assert_eq!(comparison(4, &[Weekday::Saturday]).spans(TUMBLING, monday), [day(4)..day(2), day(1)..day(0)]);
        assert_eq!(comparison(2, &WEEKEND).spans(TUMBLING, monday), []);
    }

    #[test]
    fn a_span_is_compared_with_what_comes_after() {
        let span = Comparison::Span { from_ms: DAY_MS, to_ms: 3 * DAY_MS };
        assert_eq!(span.spans(TUMBLING, 2 * DAY_MS), []);
        assert_eq!(span.spans(TUMBLING, 3 * DAY_MS), [DAY_MS..3 * DAY_MS]);
    }

    fn comparisons() -> impl Strategy<Value = Comparison> {
        let except = prop::sample::subsequence(Weekday::ALL.to_vec(), 0..=3);
        prop_oneof![
            Just(Comparison::Fixed),
            Just(Comparison::Previous),
            (1u32..9, except).prop_map(|(windows, except)| Comparison::Trailing { windows, except }),
            (6i64..40).prop_map(|panes| Comparison::Ago { ms: panes * DAY_MS / 2 }),
            (0i64..30, 1i64..9)
                .prop_map(|(from, len)| Comparison::Span { from_ms: from * DAY_MS, to_ms: (from + len) * DAY_MS }),
        ]
    }

    proptest! {
        #[test]
        fn windows_refer_to_the_panes_of_their_spans(
            comparison in comparisons(),
            (size, advance) in (1i64..=6).prop_flat_map(|size| (Just(size), 1..=size)),
            window in 0i64..60,
            pane in -40i64..140,
        ) {
            let half_day = DAY_MS / 2;
            let spec = WindowSpec { size_ms: size * half_day, advance_ms: advance * half_day };
            let (start, pane) = (window * spec.advance_ms, pane * half_day);
            let spans = comparison.spans(spec, start);
            let is_referring = comparison.referring(spec, pane).is_some_and(|starts| starts.contains(&start));
            let refers = is_referring && comparison.refers(spec, start, pane);
            prop_assert_eq!(refers, spans.iter().any(|span| span.contains(&pane)), "{:?}", spans);
            prop_assert!(spans.windows(2).all(|pair| pair[0].end < pair[1].start));
            if comparison.suits(spec) {
                prop_assert!(spans.iter().all(|span| span.end <= start), "nothing is compared with itself");
            }
        }
    }
}

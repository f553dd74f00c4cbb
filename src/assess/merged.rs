//! One group of one window, merged from its panes: every version, and all together.

use super::cells::{GroupId, Pane, VersionId};
use crate::aggregate::{Cell, Count, Linear};
use std::borrow::Cow;

/// What has become certain of a pane with time.
#[derive(Debug, Clone, Copy)]
pub struct PaneState {
    /// No prediction of it gets a label any more.
    pub is_expired: bool,
    /// No label of it meets a prediction any more.
    pub is_orphaned: bool,
}

/// One series of one window.
#[derive(Debug, Clone)]
pub struct SeriesWindow<'a> {
    /// Everything remembered of its rows, those counted in that got their label by expiring.
    pub cell: Cow<'a, Cell>,
    /// Predictions without a label that may still get one.
    pub pending: i64,
    /// Predictions without a label that can get none any more.
    pub expired: i64,
    /// Labels that no prediction has met or can meet.
    pub orphans: i64,
}

/// A group of a window by versions.
#[derive(Debug)]
pub struct GroupWindow<'a> {
    /// Sorted by version.
    versions: Vec<(VersionId, SeriesWindow<'a>)>,
    /// All versions together; `None` where there is only one, which is then all.
    together: Option<SeriesWindow<'a>>,
}

impl<'a> GroupWindow<'a> {
    /// Reads `group` from the panes of a window. `has_expiry_label`: a prediction whose pane has expired has a label.
    pub fn read(
        group: GroupId,
        panes: impl Iterator<Item = (&'a Pane, PaneState)>,
        has_expiry_label: bool,
    ) -> GroupWindow<'a> {
        let mut versions: Vec<(VersionId, SeriesWindow<'a>)> = Vec::new();
        for (pane, state) in panes {
            pane.visit(group, |version, cell| {
                let pane = SeriesWindow::of_pane(cell, state, has_expiry_label);
                match versions.binary_search_by_key(&version, |(version, _)| *version) {
                    Ok(place) => versions[place].1.merge(&pane),
                    Err(place) => versions.insert(place, (version, pane)),
                }
            });
        }
        let together = match &versions[..] {
            [] | [_] => None,
            [(_, first), rest @ ..] => {
                let mut together = first.clone();
                rest.iter().for_each(|(_, series)| together.merge(series));
                Some(together)
            }
        };
        GroupWindow { versions, together }
    }

    /// All versions together; `None` where nothing is known that a row could tell.
    pub fn together(&self) -> Option<&SeriesWindow<'a>> {
        let only = self.versions.first().map(|(_, series)| series);
        self.together.as_ref().or(only).filter(|series| !series.is_empty())
    }

    /// The versions of which something is known that a row could tell. What nets to nothing (a label that waited and was
    /// met) has no row.
    pub fn versions(&self) -> impl Iterator<Item = (VersionId, &SeriesWindow<'a>)> {
        self.versions.iter().filter(|(_, series)| !series.is_empty()).map(|(version, series)| (*version, series))
    }
}

impl<'a> SeriesWindow<'a> {
    /// Once a pane has expired, what waits in it has expired or got the label that it has for such cases.
    fn of_pane(cell: Cow<'a, Cell>, state: PaneState, has_expiry_label: bool) -> Self {
        let unmatched = cell.count(Count::Predictions) - cell.count(Count::Matched);
        let orphans = if state.is_orphaned { cell.count(Count::UnmetLabels) } else { 0 };
        let mut series = SeriesWindow { cell, pending: 0, expired: 0, orphans };
        match state.is_expired {
            false => series.pending = unmatched,
            true => series.expired = unmatched,
        }
        if state.is_expired && has_expiry_label && !series.cell.on_expiry.is_zero() {
            let cell = series.cell.to_mut();
            // Fewer than wait where the label is a class and a prediction turned out to be a number.
            let labelled = cell.on_expiry.rows();
            cell.quality.merge(&cell.on_expiry);
            cell.add_count(Count::Matched, labelled);
            series.expired -= labelled;
        }
        series
    }

    fn merge(&mut self, other: &Self) {
        self.cell.to_mut().merge(&other.cell);
        self.pending += other.pending;
        self.expired += other.expired;
        self.orphans += other.orphans;
    }

    /// Nothing is known that a row could tell.
    fn is_empty(&self) -> bool {
        let told = Count::ALL.iter().filter(|count| **count != Count::UnmetLabels);
        self.orphans == 0 && self.cell.features.is_zero() && told.into_iter().all(|count| self.cell.count(*count) == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregate::{BinaryOutcome, QualityOutcome};
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    const GROUP: GroupId = GroupId(3);

    /// A prediction, and what it has come to: a label, one that was taken back, none, or only a label.
    fn row(fate: u8, score: f64) -> Cell {
        let mut cell = Cell::default();
        let outcome =
            |actual| QualityOutcome::Binary(BinaryOutcome { score: Some(score), predicted: score >= 0.5, actual });
        cell.add_count(Count::Predictions, i64::from(fate < 4));
        match fate {
            0 => cell.add_match(1, outcome(true), 5, 7),
            1 => {
                cell.add_match(1, outcome(false), 5, 7);
                cell.add_match(-1, outcome(false), 5, 9);
                cell.on_expiry.add(1, outcome(false));
            }
            2 | 3 => cell.on_expiry.add(1, outcome(false)),
            _ => cell.add_count(Count::UnmetLabels, if fate == 4 { 1 } else { -1 }),
        }
        cell
    }

    type Rows = Vec<(u32, u8, f64)>;

    /// Panes as (rows before packing, whether it is packed, rows after, state).
    fn panes() -> impl Strategy<Value = Vec<(Pane, PaneState)>> {
        let rows = || prop::collection::vec((0u32..3, 0u8..6, 0.0..=1.0f64), 0..6);
        let pane = (rows(), any::<bool>(), rows(), any::<bool>(), any::<bool>());
        let pane = pane.prop_map(|(before, is_packed, after, is_expired, is_orphaned)| {
            let mut pane = Pane::default();
            let add = |pane: &mut Pane, rows: &Rows| {
                for &(version, fate, score) in rows {
                    pane.merge(GROUP, VersionId(version), &row(fate, score));
                    pane.merge(GroupId(GROUP.0 + 1), VersionId(version), &row(0, 0.5));
                }
            };
            add(&mut pane, &before);
            if is_packed {
                pane.pack();
            }
            add(&mut pane, &after);
            (pane, PaneState { is_expired, is_orphaned })
        });
        prop::collection::vec(pane, 0..4)
    }

    /// (cell, pending, expired, orphans), each pane added to an empty one.
    fn one_by_one(
        panes: &[(Pane, PaneState)],
        has_expiry_label: bool,
    ) -> BTreeMap<Option<VersionId>, (Cell, i64, i64, i64)> {
        let mut series: BTreeMap<Option<VersionId>, (Cell, i64, i64, i64)> = BTreeMap::new();
        for (pane, state) in panes {
            pane.visit(GROUP, |version, cell| {
                for key in [None, Some(version)] {
                    let (sum, pending, expired, orphans) = series.entry(key).or_default();
                    sum.merge(&cell);
                    let unmatched = cell.count(Count::Predictions) - cell.count(Count::Matched);
                    let labelled = if has_expiry_label && state.is_expired { cell.on_expiry.rows() } else { 0 };
                    if labelled > 0 {
                        sum.quality.merge(&cell.on_expiry);
                        sum.add_count(Count::Matched, labelled);
                    }
                    *if state.is_expired { expired } else { pending } += unmatched - labelled;
                    *orphans += if state.is_orphaned { cell.count(Count::UnmetLabels) } else { 0 };
                }
            });
        }
        series
    }

    proptest! {
        #[test]
        fn a_merged_group_is_the_sum_of_its_panes(panes in panes(), has_expiry_label in any::<bool>()) {
            let merged = GroupWindow::read(GROUP, panes.iter().map(|(pane, state)| (pane, *state)), has_expiry_label);
            let together = merged.together().map(|series| (None, series));
            let versions = merged.versions().map(|(version, series)| (Some(version), series));
            let found: BTreeMap<_, _> = together.into_iter().chain(versions)
                .map(|(version, series)| {
                    (version, (series.cell.clone().into_owned(), series.pending, series.expired, series.orphans))
                })
                .collect();
            let mut expected = one_by_one(&panes, has_expiry_label);
            expected.retain(|_, (cell, _, _, orphans)| {
                *orphans != 0 || Count::ALL.iter().any(|count| *count != Count::UnmetLabels && cell.count(*count) != 0)
            });
            prop_assert_eq!(found, expected);
        }
    }
}

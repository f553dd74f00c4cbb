//! Where all alerts stand: the last change of each that the topic has.

use crate::event::AlertRow;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Ids are shown in this length at least.
pub const ID_LENGTH_MIN: usize = 8;

/// The last change of each alert, by id.
#[derive(Debug, Default)]
pub struct Fold {
    last: BTreeMap<String, (i32, AlertRow)>,
    unreadable: u64,
    first_unreadable: Option<String>,
}

impl Fold {
    /// Takes a record of a partition; `row` is what it says, `None` where it takes back its key.
    pub fn take(&mut self, partition: i32, key: Option<&[u8]>, row: Option<Result<AlertRow, String>>) {
        match row {
            Some(Ok(row)) => {
                // A key stays in its partition, unless the topic got more of them.
                let is_older = |(before_in, before): &(i32, AlertRow)| {
                    *before_in != partition && before.evaluated_at > row.evaluated_at
                };
                if !self.last.get(&*row.alert_id).is_some_and(is_older) {
                    self.last.insert(row.alert_id.to_string(), (partition, row));
                }
            }
            Some(Err(why)) => {
                self.unreadable += 1;
                self.first_unreadable.get_or_insert(why);
            }
            None => {
                let key = key.and_then(|key| std::str::from_utf8(key).ok()).unwrap_or_default();
                self.last.remove(key);
            }
        }
    }

    /// How many records are no alerts, and why the first is none.
    pub fn unreadable(&self) -> Option<(u64, &str)> {
        self.first_unreadable.as_deref().map(|why| (self.unreadable, why))
    }

    /// How many alerts there are.
    pub fn len(&self) -> usize {
        self.last.len()
    }

    /// The alert with this id.
    pub fn get(&self, id: &str) -> Option<&AlertRow> {
        self.last.get(id).map(|(_, row)| row)
    }

    /// Open ones, or all: the open ones first, of these the worst first, of these the oldest first.
    pub fn sorted(&self, all: bool) -> Vec<&AlertRow> {
        let rows = self.last.values().map(|(_, row)| row);
        let mut rows: Vec<&AlertRow> = rows.filter(|row| all || row.state.is_open()).collect();
        rows.sort_by_key(|row| {
            (Reverse(row.state.is_open()), Reverse(row.severity), row.started_at, row.alert_id.clone())
        });
        rows
    }

    /// The only alert whose id begins so.
    ///
    /// # Errors
    /// If there is none, or several.
    pub fn find(&self, id: &str) -> Result<&AlertRow, String> {
        let mut found = self.last.range(id.to_owned()..).take_while(|(other, _)| other.starts_with(id));
        let Some((first, (_, row))) = found.next().filter(|_| !id.is_empty()) else {
            return Err(format!(
                "no alert has an id that begins with `{id}`; `postdict alerts list --all` has all of them"
            ));
        };
        let others = found.count();
        if others > 0 && first != id {
            return Err(format!("{} alerts have ids that begin with `{id}`: write more of it", others + 1));
        }
        Ok(row)
    }

    /// How much of the ids has to be shown to tell them apart.
    pub fn id_length(&self) -> usize {
        let ids: Vec<Vec<char>> = self.last.keys().map(|id| id.chars().collect()).collect();
        let shared = |pair: &[Vec<char>]| pair[0].iter().zip(&pair[1]).take_while(|(one, other)| one == other).count();
        ids.windows(2).map(|pair| shared(pair) + 1).max().unwrap_or(0).max(ID_LENGTH_MIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::alert::{AlertState, Severity};

    fn row(id: &str, state: AlertState) -> AlertRow {
        let row = include_str!("../../../schemas/examples/alerts.json");
        AlertRow { alert_id: id.into(), state, ..serde_json::from_str(row).expect("an example") }
    }

    fn fold(rows: impl IntoIterator<Item = AlertRow>) -> Fold {
        let mut fold = Fold::default();
        rows.into_iter().for_each(|row| fold.take(0, None, Some(Ok(row))));
        fold
    }

    fn ids<'f>(rows: &[&'f AlertRow]) -> Vec<&'f str> {
        rows.iter().map(|row| &*row.alert_id).collect()
    }

    #[test]
    fn open_alerts_come_first_and_of_these_the_worst_and_oldest() {
        let of = |id, severity, started_at| AlertRow {
            severity,
            started_at: Some(started_at),
            ..row(id, AlertState::Firing)
        };
        let fold = fold([
            of("young", Severity::Critical, 2),
            of("mild", Severity::Info, 0),
            row("over", AlertState::Resolved),
            of("old", Severity::Critical, 1),
            row("waits", AlertState::Pending),
            AlertRow { severity: Severity::Warning, ..row("silent", AlertState::NoData) },
        ]);
        assert_eq!(ids(&fold.sorted(false)), ["old", "young", "silent", "mild"]);
        assert_eq!(ids(&fold.sorted(true))[4..], ["over", "waits"]);
    }

    #[test]
    fn the_last_change_of_an_alert_holds() {
        let mut fold =
            fold([row("a", AlertState::Firing), row("a", AlertState::Resolved), row("b", AlertState::Firing)]);
        assert_eq!(ids(&fold.sorted(false)), ["b"]);
        let older = AlertRow { evaluated_at: 0, ..row("a", AlertState::Firing) };
        fold.take(1, None, Some(Ok(older.clone())));
        assert_eq!(ids(&fold.sorted(false)), ["b"], "it was in another partition when there were fewer");
        fold.take(0, None, Some(Ok(older)));
        assert_eq!(ids(&fold.sorted(false)), ["a", "b"]);
        fold.take(0, Some(b"b"), None);
        fold.take(0, Some(b"c"), Some(Err("garbage".to_owned())));
        fold.take(0, None, Some(Err("more".to_owned())));
        assert_eq!((ids(&fold.sorted(true)), fold.unreadable()), (vec!["a"], Some((2, "garbage"))));
    }

    #[test]
    fn an_id_is_found_by_how_it_begins() {
        let fold = fold(["4f1d2a7c60", "4f1d2a7c61", "4f", "9"].map(|id| row(id, AlertState::Firing)));
        for (begins, found) in [("4f1d2a7c60", "4f1d2a7c60"), ("4f", "4f"), ("9", "9")] {
            assert_eq!(fold.find(begins).map(|row| &*row.alert_id), Ok(found));
        }
        assert!(fold.find("4f1").is_err_and(|why| why.contains("2 alerts")));
        assert!(fold.find("5").is_err() && fold.find("").is_err());
        assert_eq!(fold.id_length(), 10);
    }
}

//! The pending buffer against a list of rows.

use super::*;
use crate::join::series::SeriesId;
use proptest::prelude::*;

/// Far enough apart that segments are a second long: the least a buffer uses.
const RETENTION_MS: Millis = 8_000;

#[derive(Debug, Clone)]
enum Action {
    Insert { id: u8, time: Millis },
    Settle { id: u8, label_time: Millis },
    Unsettle { id: u8 },
    Remove { id: u8 },
    Expire { watermark: Millis },
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let time = 0..20_000_i64;
    let action = prop_oneof![
        4 => (any::<u8>(), time.clone()).prop_map(|(id, time)| Action::Insert { id: id % 32, time }),
        2 => (any::<u8>(), time.clone()).prop_map(|(id, label_time)| Action::Settle { id: id % 32, label_time }),
        1 => any::<u8>().prop_map(|id| Action::Unsettle { id: id % 32 }),
        1 => any::<u8>().prop_map(|id| Action::Remove { id: id % 32 }),
        1 => time.prop_map(|watermark| Action::Expire { watermark }),
    ];
    prop::collection::vec(action, 0..300)
}

fn row(id: u8, time: Millis, number: u32) -> PendingRow {
    PendingRow {
        key: RequestKey::of(&id.to_string()),
        time,
        output: 0.5,
        series: SeriesId(number),
        payload: PayloadAt::NONE,
        settled: Settled::WAITING,
        class: 0,
        kind: RowKind::Binary,
    }
}

fn places(buffer: &PendingBuffer, id: u8) -> Vec<RowRef> {
    let mut found = Vec::new();
    buffer.find(RequestKey::of(&id.to_string()), 0..=20_000, &mut found);
    found
}

/// What is comparable of the rows of one request: their numbers, times and whether they wait.
fn shown(buffer: &PendingBuffer, id: u8) -> Vec<(u32, Millis, bool)> {
    let show = |place: RowRef| {
        let row = buffer.get(place);
        (row.series.0, row.time, row.is_waiting())
    };
    let mut rows: Vec<_> = places(buffer, id).into_iter().map(show).collect();
    rows.sort_unstable();
    rows
}

proptest! {
    #[test]
    fn the_buffer_finds_what_a_list_of_rows_finds(actions in actions(), seal_often in any::<bool>()) {
        let mut buffer = PendingBuffer::new(RETENTION_MS);
        let mut list: Vec<(u8, PendingRow)> = Vec::new();
        let mut first_kept = 0;
        let mut scores = Vec::new();
        for (number, action) in (0..).zip(actions) {
            match action {
                Action::Insert { id, time } if time / 1_000 >= first_kept => {
                    let kept = [(ClassId(7), f64::from(number))];
                    let payload = Payload { scores: &kept, request_id: None };
                    buffer.insert(row(id, time, number), payload, |_| false);
                    list.push((id, row(id, time, number)));
                }
                Action::Insert { .. } => {}
                Action::Settle { id, label_time } => {
                    places(&buffer, id).into_iter().for_each(|place| buffer.settle(place, label_time));
                    list.iter_mut().filter(|(i, _)| *i == id).for_each(|(_, row)| row.settle(label_time));
                }
                Action::Unsettle { id } => {
                    places(&buffer, id).into_iter().for_each(|place| buffer.unsettle(place));
                    list.iter_mut().filter(|(i, _)| *i == id).for_each(|(_, row)| row.unsettle());
                }
                Action::Remove { id } => {
                    places(&buffer, id).into_iter().for_each(|place| buffer.remove(place));
                    list.retain(|(i, _)| *i != id);
                }
                Action::Expire { watermark } => {
                    first_kept = first_kept.max((watermark - RETENTION_MS).div_euclid(1_000));
                    let mut dropped = 0;
                    buffer.expire(watermark, usize::MAX, |_| false, |_, _| dropped += 1);
                    let before = list.len();
                    list.retain(|(_, row)| row.time / 1_000 >= first_kept);
                    prop_assert_eq!(dropped, before - list.len());
                }
            }
            if seal_often {
                buffer.segments.values_mut().for_each(|segment| segment.seal(|_| false));
            }
            prop_assert_eq!(buffer.len(), list.len());
            prop_assert_eq!(buffer.waiting(), list.iter().filter(|(_, row)| row.is_waiting()).count());
        }
        for id in 0..32 {
            let mut expected: Vec<_> = (list.iter().filter(|(i, _)| *i == id))
                .map(|(_, row)| (row.series.0, row.time, row.is_waiting()))
                .collect();
            expected.sort_unstable();
            prop_assert_eq!(shown(&buffer, id), expected);
            for place in places(&buffer, id) {
                buffer.scores(place, &mut scores);
                prop_assert_eq!(&scores, &vec![(ClassId(7), f64::from(buffer.get(place).series.0))]);
            }
        }
    }
}

#[test]
fn a_buffer_whose_rows_are_forgotten_on_the_way_stays_small() {
    let mut buffer = PendingBuffer::new(80_000_000);
    let forget = |row: &PendingRow| row.is_forgettable(Millis::MAX / 4, 0);
    for number in 0..200_000 {
        buffer.insert(row(0, i64::from(number), number), Payload::default(), forget);
        let mut found = Vec::new();
        buffer.find(RequestKey::of("0"), 0..=200_000, &mut found);
        found.into_iter().for_each(|place| buffer.settle(place, 1));
        // Only a few rows of one id at a time, or finding them would dominate the test.
        if number % 64 == 0 {
            let mut found = Vec::new();
            buffer.find(RequestKey::of("0"), 0..=200_000, &mut found);
            found.into_iter().for_each(|place| buffer.remove(place));
        }
    }
    assert!(buffer.bytes() < 2_000_000, "{} bytes", buffer.bytes());
}

#[test]
fn a_large_segment_leaves_part_by_part_each_row_once_and_the_log_is_told() {
    const ROWS: u32 = 10_000;
    let mut buffer = PendingBuffer::new(RETENTION_MS);
    buffer.log_changes();
    let key = |number: u32| RequestKey::of(&format!("request {number}"));
    for number in 0..ROWS {
        let (id, row) = (format!("request {number}"), PendingRow { key: key(number), ..row(0, 1, number) });
        buffer.insert(row, Payload { scores: &[], request_id: Some(&id) }, |_| false);
    }
    let mut found = Vec::new();
    for number in (0..ROWS).step_by(2) {
        found.clear();
        buffer.find(key(number), 0..=2, &mut found);
        buffer.settle(found[0], 5);
    }
    // What the log has of it: rows, then what became of them.
    let mut journal = Journal::default();
    buffer.take_journal(&mut journal);
    journal.take();
    let mut told = std::collections::BTreeSet::new();
    let mut parts = 0;
    let mut has_more = true;
    while has_more {
        let mut part = 0;
        has_more = buffer.expire(
            50_000,
            999,
            |_| false,
            |row, id| {
                if row.is_waiting() {
                    assert!(told.insert(id()), "{} twice", id());
                    part += 1;
                }
            },
        );
        assert!(part <= 999, "{part} at once");
        parts += 1;
        // It is sealed on the way, and its rows change their places.
        if parts == 2 {
            buffer.segments.values_mut().for_each(|segment| segment.seal(|_| false));
            buffer.leaving = None;
        }
    }
    assert_eq!((told.len(), parts, buffer.waiting(), buffer.len()), (ROWS as usize / 2, 6, 0, 0));
    buffer.take_journal(&mut journal);
    assert!((20..=24).contains(&(journal.bytes() / (5 * 999))), "{} bytes", journal.bytes());
}

#[test]
fn what_is_forgotten_before_a_commit_costs_the_log_nothing() {
    let mut buffer = PendingBuffer::new(80_000);
    buffer.log_changes();
    let key = |number: u32| RequestKey::of(&format!("request {number}"));
    let mut found = Vec::new();
    for number in 0..50_000_u32 {
        buffer.insert(PendingRow { key: key(number), ..row(0, 1, number) }, Payload::default(), |_| false);
        // Many compactions, each of which meets two thousand rows that still wait.
        if let Some(early) = number.checked_sub(2_000) {
            found.clear();
            buffer.find(key(early), 0..=2, &mut found);
            buffer.remove(found[0]);
        }
    }
    assert_eq!(buffer.len(), 2_000);
    let mut journal = Journal::default();
    buffer.take_journal(&mut journal);
    let of_a_row = journal.bytes() / 2_000;
    assert!((28..=36).contains(&of_a_row), "{of_a_row} bytes a row that waits, nothing of the others");
    // From now on the log has them, so it is told.
    found.clear();
    buffer.find(key(49_000), 0..=2, &mut found);
    buffer.remove(found[0]);
    buffer.take_journal(&mut journal);
    assert!(journal.bytes() > of_a_row * 2_000);
}

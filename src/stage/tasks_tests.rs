//! Tests of the running tasks: what becomes part of a commit, and what is asked about idleness.

use super::*;
use crate::stage::block::Block;
use crate::stage::intake::Intake;
use crate::stage::work::{BadRecord, Fetched, FetchedRecord, Outgoing, OutputId, Restored, Unit};
use std::sync::{Arc, Mutex};

/// The offset of a record that the task refuses.
const BAD: i64 = 999;

/// What a task was told about idleness: by input, `None` before it is looked at.
type Idles = Arc<Mutex<Vec<(u8, Option<bool>)>>>;

/// Gives out what it was told to, and catches up until it sees a certain offset.
#[derive(Default)]
struct Scripted {
    unit: Arc<Mutex<Unit>>,
    catches_up_to: i64,
    seen: i64,
    idles: Idles,
}

impl StageTask for Scripted {
    fn step(&mut self, _input: InputId, records: &Fetched, _now: Millis) -> Result<(), BadRecord> {
        self.seen = records.records.last().map_or(self.seen, |record| record.offset);
        if self.seen == BAD {
            return Err(BadRecord { offset: BAD, what: "as the test wants".to_owned() });
        }
        Ok(())
    }

    fn before_look(&mut self, input: InputId) {
        self.idles.lock().unwrap().push((input.0, None));
    }

    fn set_idle(&mut self, input: InputId, idle: bool, _now: Millis) {
        self.idles.lock().unwrap().push((input.0, Some(idle)));
    }

    fn commit(&mut self, _now: Millis) -> Unit {
        std::mem::take(&mut *self.unit.lock().unwrap())
    }

    fn uncommitted_bytes(&self) -> usize {
        7
    }

    fn is_catching_up(&self) -> bool {
        self.seen < self.catches_up_to
    }
}

fn start(tasks: &mut Tasks, task: Scripted, read_from: Option<Vec<i64>>, at: Instant) -> Vec<i64> {
    let restored = Restored { task: Box::new(task), read_from };
    let task = RestoredTask {
        partition: 3,
        tag: 1,
        restored,
        commit: 8,
        positions: vec![10, 20],
        topics: vec![None, None],
        is_late_start: false,
    };
    tasks.start(task, 1, at)
}

fn batch(input: u8, offset: i64) -> Batch {
    let record = FetchedRecord { offset, timestamp: None, key: None, value: None, headers: Vec::new() };
    let fetched = Fetched { bytes: Vec::new(), records: vec![record] };
    Batch { partition: 3, tag: 1, input: InputId(input), fetched, place: Intake::new(1).take(0) }
}

/// Commits, and gives the number and the positions before and after of the only part.
fn committed(tasks: &mut Tasks) -> Option<(u64, Vec<i64>, Vec<i64>)> {
    let parts = tasks.commit("join", &[3], 0);
    tasks.committed(&parts);
    let part = parts.first()?;
    let block = Block::decode(part.blocks().first()?).expect("whole");
    Some((block.commit, block.previous, block.next))
}

#[test]
fn a_position_that_moved_is_committed_even_if_nothing_else_is() {
    let (mut tasks, at) = (Tasks::default(), Instant::now());
    assert_eq!(start(&mut tasks, Scripted::default(), None, at), [10, 20]);
    assert_eq!(committed(&mut tasks), None);
    tasks.step(vec![batch(1, 24), batch(1, 27)], 0, at).unwrap();
    assert_eq!(committed(&mut tasks), Some((9, vec![10, 20], vec![10, 28])));
    tasks.step(vec![batch(0, 10)], 0, at).unwrap();
    assert_eq!(committed(&mut tasks), Some((10, vec![10, 28], vec![11, 28])));
    assert_eq!(committed(&mut tasks), None);
}

#[test]
fn an_output_is_committed_even_if_no_position_moved() {
    let output =
        Outgoing { output: OutputId(0), partition: None, timestamp: None, key: None, value: None, headers: Vec::new() };
    let (mut tasks, unit) = (Tasks::default(), Unit { outputs: vec![output], ..Unit::default() });
    start(&mut tasks, Scripted { unit: Arc::new(Mutex::new(unit)), ..Scripted::default() }, None, Instant::now());
    assert_eq!(committed(&mut tasks), Some((9, vec![10, 20], vec![10, 20])));
}

#[test]
fn a_delta_of_several_pieces_is_several_blocks_of_one_commit() {
    let mut tasks = Tasks::default();
    let unit = Unit { delta: vec![vec![1], vec![2], vec![3]], ..Unit::default() };
    start(&mut tasks, Scripted { unit: Arc::new(Mutex::new(unit)), ..Scripted::default() }, None, Instant::now());
    let parts = tasks.commit("join", &[3], 0);
    let blocks: Vec<Block> = parts[0].blocks().iter().map(|bytes| Block::decode(bytes).expect("whole")).collect();
    let pieces: Vec<_> =
        blocks.iter().map(|block| (block.commit, block.piece, block.pieces, block.payload[0])).collect();
    assert_eq!(pieces, [(9, 0, 3, 1), (9, 1, 3, 2), (9, 2, 3, 3)]);
}

#[test]
fn nothing_is_committed_while_a_task_catches_up_and_no_position_goes_back() {
    let (mut tasks, at) = (Tasks::default(), Instant::now());
    let task = Scripted { catches_up_to: 9, ..Scripted::default() };
    assert_eq!(start(&mut tasks, task, Some(vec![2, 20]), at), [2, 20]);
    tasks.step(vec![batch(0, 5)], 0, at).unwrap();
    assert_eq!(committed(&mut tasks), None);
    tasks.step(vec![batch(0, 9)], 0, at).unwrap();
    assert_eq!(committed(&mut tasks), None, "nothing new");
    tasks.step(vec![batch(0, 12)], 0, at).unwrap();
    assert_eq!(committed(&mut tasks), Some((9, vec![10, 20], vec![13, 20])));
}

#[test]
#[should_panic(expected = "offset 10 came after 11")]
fn a_record_that_comes_twice_is_a_bug() {
    let (mut tasks, at) = (Tasks::default(), Instant::now());
    start(&mut tasks, Scripted::default(), None, at);
    tasks.step(vec![batch(0, 10), batch(0, 10)], 0, at).unwrap();
}

#[test]
fn a_record_that_a_task_refuses_is_named_with_its_place() {
    let (mut tasks, at) = (Tasks::default(), Instant::now());
    start(&mut tasks, Scripted::default(), None, at);
    let refused = tasks.step(vec![batch(1, 24), batch(1, BAD), batch(1, BAD + 1)], 0, at).unwrap_err();
    let record = BadRecord { offset: BAD, what: "as the test wants".to_owned() };
    assert_eq!(refused, Misplaced { partition: 3, input: InputId(1), record });
}

#[test]
fn a_first_start_behind_the_beginning_is_committed_at_once() {
    let (mut tasks, at) = (Tasks::default(), Instant::now());
    let restored = Restored { task: Box::new(Scripted::default()), read_from: None };
    let (positions, topics) = (vec![10, 20], vec![None, None]);
    let task = RestoredTask { partition: 3, tag: 1, restored, commit: 0, positions, topics, is_late_start: true };
    tasks.start(task, 1, at);
    assert_eq!(committed(&mut tasks), Some((1, vec![10, 20], vec![10, 20])));
    assert_eq!(committed(&mut tasks), None, "once");
}

/// Until an input may be idle.
const TIMEOUT: Duration = Duration::from_secs(5);

/// A task whose inputs are silent, and what it was told of that.
struct Silent {
    tasks: Tasks,
    at: Instant,
    idles: Idles,
    unit: Arc<Mutex<Unit>>,
}

impl Silent {
    fn new() -> Silent {
        let (mut tasks, at, task) = (Tasks::default(), Instant::now(), Scripted::default());
        let (idles, unit) = (Arc::clone(&task.idles), Arc::clone(&task.unit));
        start(&mut tasks, task, None, at);
        Silent { tasks, at, idles, unit }
    }

    /// One whose inputs are both idle.
    fn idle() -> Silent {
        let mut silent = Silent::new();
        let asked = silent.asked_after(TIMEOUT);
        asked.into_iter().for_each(|question| silent.answer(question, true));
        silent.told();
        silent
    }

    fn asked_after(&mut self, time: Duration) -> Vec<Question> {
        self.at += time;
        self.tasks.silent(TIMEOUT, self.at)
    }

    fn answer(&mut self, question: Question, at_end: bool) {
        self.tasks.answer(question, at_end, 0, self.at);
    }

    fn step(&mut self, input: u8, offset: i64) {
        self.tasks.step(vec![batch(input, offset)], 0, self.at).unwrap();
    }

    /// A part that says how the inputs are.
    fn collected(&mut self) -> Vec<Part> {
        *self.unit.lock().unwrap() = Unit { delta: vec![vec![1]], ..Unit::default() };
        self.tasks.commit("join", &[3], 0)
    }

    fn commit(&mut self) {
        let parts = self.collected();
        self.tasks.committed(&parts);
    }

    /// What the task was told since the last time.
    fn told(&self) -> Vec<(u8, Option<bool>)> {
        std::mem::take(&mut *self.idles.lock().unwrap())
    }
}

fn question(input: u8, position: i64) -> Question {
    Question { partition: 3, tag: 1, input: InputId(input), position }
}

#[test]
fn silence_is_asked_about_once_and_ends_with_a_record() {
    let mut silent = Silent::new();
    assert_eq!(silent.asked_after(Duration::ZERO), []);
    let asked = silent.asked_after(TIMEOUT);
    assert_eq!(asked, [question(0, 10), question(1, 20)]);
    assert_eq!(silent.told(), [(0, None), (1, None)], "before it is looked at");
    assert_eq!(silent.asked_after(TIMEOUT), [], "asked already");

    silent.step(1, 20);
    asked.into_iter().for_each(|question| silent.answer(question, true));
    assert_eq!(silent.told(), [(0, Some(true))], "a record came to input 1 meanwhile");
    silent.step(0, 10);
    assert_eq!(silent.told(), [(0, Some(false))]);
}

#[test]
fn an_input_that_is_not_at_its_end_is_asked_about_after_another_time_out() {
    let mut silent = Silent::new();
    let asked = silent.asked_after(TIMEOUT);
    silent.told();
    for question in asked {
        silent.answer(Question { tag: 9, ..question }, true);
        silent.answer(question, false);
    }
    assert_eq!(silent.told(), [], "nor does an answer to another assignment say anything");
    assert_eq!(silent.asked_after(TIMEOUT - Duration::from_millis(1)), []);
    assert_eq!(silent.asked_after(Duration::from_millis(1)).len(), 2);
}

#[test]
fn an_idle_input_is_looked_at_again_once_it_is_durable_that_it_is_idle() {
    let mut silent = Silent::idle();
    assert_eq!(silent.asked_after(TIMEOUT), [], "it is not said yet");
    let parts = silent.collected();
    assert_eq!(silent.asked_after(TIMEOUT), [], "it is collected, and not durable yet");
    silent.tasks.committed(&parts);
    let asked = silent.asked_after(Duration::ZERO);
    assert_eq!(asked, [question(0, 10), question(1, 20)]);
    assert_eq!(silent.asked_after(TIMEOUT), [], "asked already");
    silent.commit();
    asked.into_iter().for_each(|question| silent.answer(question, true));
    assert_eq!(silent.told(), [(0, None), (1, None), (0, Some(true)), (1, Some(true))], "once more");
    assert_eq!(silent.asked_after(TIMEOUT), [], "that is another time, which is to be said too");
    silent.commit();
    assert_eq!(silent.asked_after(Duration::ZERO).len(), 2);
}

#[test]
fn the_second_look_comes_at_once_and_others_when_the_time_out_is_over() {
    let mut silent = Silent::idle();
    silent.commit();
    for _ in 0..3 {
        let asked = silent.asked_after(Duration::ZERO);
        assert_eq!(asked, [question(0, 10), question(1, 20)]);
        asked.into_iter().for_each(|question| silent.answer(question, true));
        silent.commit();
        assert_eq!(silent.asked_after(TIMEOUT - Duration::from_millis(1)), []);
        silent.at += Duration::from_millis(1);
    }
}

#[test]
fn an_idle_input_that_is_not_found_at_its_end_stays_idle_until_a_record_comes() {
    let mut silent = Silent::idle();
    silent.commit();
    let asked = silent.asked_after(Duration::ZERO);
    silent.told();
    asked.into_iter().for_each(|question| silent.answer(question, false));
    assert_eq!(silent.told(), [], "brokers that do not answer say nothing of it");
    assert_eq!(silent.asked_after(TIMEOUT - Duration::from_millis(1)), []);
    assert_eq!(silent.asked_after(Duration::from_millis(1)).len(), 2, "nothing was said that would have to be durable");
    silent.told();
    silent.step(0, 10);
    assert_eq!(silent.told(), [(0, Some(false))]);
}

#[test]
fn an_input_that_was_idle_says_so_anew() {
    let mut silent = Silent::idle();
    silent.commit();
    silent.step(0, 10);
    assert_eq!(silent.asked_after(TIMEOUT), [question(0, 11), question(1, 20)]);
    silent.answer(question(0, 11), true);
    silent.answer(question(1, 20), true);
    assert_eq!(silent.asked_after(TIMEOUT), [], "the commit before said it of another time");
}

//! Tests of the running tasks: what becomes part of a commit, what is asked about idleness, and what is held for it.

use super::*;
use crate::stage::block::Block;
use crate::stage::intake::Intake;
use crate::stage::work::{BadRecord, Fetched, FetchedRecord, Outgoing, OutputId, Restored, Unit};
use std::sync::{Arc, Mutex};

/// The offset of a record that the task refuses.
const BAD: i64 = 999;

/// What a task was told about idleness.
type Idles = Arc<Mutex<Vec<(u8, bool)>>>;

/// Input and offset of what a task took in.
type Steps = Arc<Mutex<Vec<(u8, i64)>>>;

/// Gives out what it was told to, and catches up until it sees a certain offset.
#[derive(Default)]
struct Scripted {
    unit: Unit,
    catches_up_to: i64,
    seen: i64,
    idles: Idles,
    steps: Steps,
}

impl StageTask for Scripted {
    fn step(&mut self, input: InputId, records: &Fetched, _now: Millis) -> Result<(), BadRecord> {
        self.steps.lock().unwrap().extend(records.records.iter().map(|record| (input.0, record.offset)));
        self.seen = records.records.last().map_or(self.seen, |record| record.offset);
        if self.seen == BAD {
            return Err(BadRecord { offset: BAD, what: "as the test wants".to_owned() });
        }
        Ok(())
    }

    fn set_idle(&mut self, input: InputId, idle: bool, _now: Millis) {
        self.idles.lock().unwrap().push((input.0, idle));
    }

    fn commit(&mut self, _now: Millis) -> Unit {
        std::mem::take(&mut self.unit)
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
    start(&mut tasks, Scripted { unit, ..Scripted::default() }, None, Instant::now());
    assert_eq!(committed(&mut tasks), Some((9, vec![10, 20], vec![10, 20])));
}

#[test]
fn a_delta_of_several_pieces_is_several_blocks_of_one_commit() {
    let mut tasks = Tasks::default();
    let unit = Unit { delta: vec![vec![1], vec![2], vec![3]], ..Unit::default() };
    start(&mut tasks, Scripted { unit, ..Scripted::default() }, None, Instant::now());
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
fn silence_is_asked_about_once_and_ends_with_a_record() {
    let (mut tasks, start_at, idles) = (Tasks::default(), Instant::now(), Idles::default());
    start(&mut tasks, Scripted { idles: Arc::clone(&idles), ..Scripted::default() }, None, start_at);
    let (timeout, later) = (Duration::from_secs(5), start_at + Duration::from_secs(5));
    assert_eq!(tasks.silent(timeout, start_at), []);
    let asked = tasks.silent(timeout, later);
    let question = |input, position| Question { partition: 3, tag: 1, input: InputId(input), position };
    assert_eq!(asked, [question(0, 10), question(1, 20)]);
    assert_eq!(tasks.silent(timeout, later), [], "asked already");

    tasks.step(vec![batch(1, 20)], 0, later).unwrap();
    asked.into_iter().for_each(|question| tasks.answer(question, true, 0, later).unwrap());
    assert_eq!(*idles.lock().unwrap(), [(0, true)], "a record came to input 1 meanwhile");
    tasks.step(vec![batch(0, 10)], 0, later).unwrap();
    assert_eq!(*idles.lock().unwrap(), [(0, true), (0, false)]);

    let again = tasks.silent(timeout, later + timeout);
    assert_eq!(again, [question(0, 11), question(1, 21)]);
    again.into_iter().for_each(|question| tasks.answer(question, false, 0, later + timeout).unwrap());
    assert_eq!(tasks.silent(timeout, later + timeout), [], "not at the end: asked again later");
    let stale = Question { tag: 9, ..question(0, 11) };
    tasks.answer(stale, true, 0, later).unwrap();
    assert_eq!(idles.lock().unwrap().len(), 2, "an answer to another assignment");
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

/// A task whose inputs are both idle, since `at`.
struct Asleep {
    tasks: Tasks,
    at: Instant,
    steps: Steps,
    idles: Idles,
}

impl Asleep {
    fn new() -> Asleep {
        let (mut tasks, at) = (Tasks::default(), Instant::now());
        let (steps, idles) = (Steps::default(), Idles::default());
        let task = Scripted { steps: Arc::clone(&steps), idles: Arc::clone(&idles), ..Scripted::default() };
        start(&mut tasks, task, None, at - TIMEOUT);
        for question in tasks.silent(TIMEOUT, at) {
            tasks.answer(question, true, 0, at).unwrap();
        }
        assert_eq!(std::mem::take(&mut *idles.lock().unwrap()), [(0, true), (1, true)]);
        Asleep { tasks, at, steps, idles }
    }

    fn step(&mut self, batches: Vec<Batch>) -> Vec<Question> {
        self.tasks.step(batches, 0, self.at).unwrap()
    }

    fn answer(&mut self, question: Question, at_end: bool) {
        self.tasks.answer(question, at_end, 0, self.at).unwrap();
    }

    fn steps(&self) -> Vec<(u8, i64)> {
        self.steps.lock().unwrap().clone()
    }

    fn idles(&self) -> Vec<(u8, bool)> {
        self.idles.lock().unwrap().clone()
    }
}

fn question(input: u8, position: i64) -> Question {
    Question { partition: 3, tag: 1, input: InputId(input), position }
}

#[test]
fn what_wakes_a_partition_up_is_held_until_the_other_input_is_known_and_taken_in_in_its_order() {
    let mut asleep = Asleep::new();
    assert_eq!(asleep.step(vec![batch(1, 20), batch(1, 21)]), [question(0, 10)]);
    assert_eq!(asleep.step(vec![batch(1, 22)]), [], "asked already");
    assert_eq!((asleep.steps(), asleep.idles()), (vec![], vec![]));
    assert_eq!(committed(&mut asleep.tasks), None, "no position moves");
    asleep.answer(Question { tag: 9, ..question(0, 10) }, true);
    assert_eq!(asleep.steps(), [], "an answer to another assignment");

    asleep.answer(question(0, 10), false);
    assert_eq!(asleep.steps(), [(1, 20), (1, 21), (1, 22)]);
    assert_eq!(asleep.idles(), [(0, false), (1, false)], "the one that is not at its end first");
    assert_eq!(committed(&mut asleep.tasks), Some((9, vec![10, 20], vec![10, 23])));
    // It has been silent since the answer, not since long ago.
    assert_eq!(asleep.tasks.silent(TIMEOUT, asleep.at), []);
    assert_eq!(asleep.tasks.silent(TIMEOUT, asleep.at + TIMEOUT), [question(0, 10), question(1, 23)]);
}

#[test]
fn an_input_that_is_at_its_end_stays_idle_and_is_not_asked_about_while_the_other_flows() {
    let mut asleep = Asleep::new();
    assert_eq!(asleep.step(vec![batch(0, 10)]), [question(1, 20)]);
    asleep.answer(question(1, 20), true);
    assert_eq!((asleep.steps(), asleep.idles()), (vec![(0, 10)], vec![(0, false)]));
    for offset in 11..15 {
        assert_eq!(asleep.step(vec![batch(0, offset)]), []);
        assert_eq!(asleep.steps().last(), Some(&(0, offset)), "nothing is held");
    }
    // The other one wakes up too: nothing else is idle.
    assert_eq!(asleep.step(vec![batch(1, 20), batch(0, 15)]), []);
    assert_eq!(asleep.steps().len(), 7);
    assert_eq!(asleep.idles(), [(0, false), (1, false)]);
}

#[test]
fn an_input_of_which_records_are_held_is_not_idle_whatever_the_answer() {
    let mut asleep = Asleep::new();
    assert_eq!(asleep.step(vec![batch(1, 20), batch(0, 10), batch(1, 21)]), [question(0, 10)]);
    asleep.answer(question(0, 10), true);
    assert_eq!(asleep.idles(), [(0, false), (1, false)]);
    assert_eq!(asleep.steps(), [(1, 20), (0, 10), (1, 21)]);
}

#[test]
fn each_waking_asks_anew() {
    let mut asleep = Asleep::new();
    asleep.step(vec![batch(0, 10)]);
    asleep.answer(question(1, 20), true);
    asleep.at += TIMEOUT;
    assert_eq!(asleep.tasks.silent(TIMEOUT, asleep.at), [question(0, 11)]);
    asleep.answer(question(0, 11), true);
    assert_eq!(asleep.step(vec![batch(0, 11)]), [question(1, 20)]);
    assert_eq!(asleep.steps(), [(0, 10)]);
    asleep.answer(question(1, 20), false);
    assert_eq!(asleep.steps(), [(0, 10), (0, 11)]);
}

#[test]
fn of_three_inputs_all_that_are_idle_are_waited_for_and_what_flows_is_held_too() {
    let (mut tasks, at, steps) = (Tasks::default(), Instant::now(), Steps::default());
    let task = Scripted { steps: Arc::clone(&steps), ..Scripted::default() };
    let restored = Restored { task: Box::new(task), read_from: None };
    let (positions, topics) = (vec![10, 20, 30], vec![None, None, None]);
    let task = RestoredTask { partition: 3, tag: 1, restored, commit: 0, positions, topics, is_late_start: false };
    tasks.start(task, 1, at);
    for question in tasks.silent(Duration::ZERO, at) {
        tasks.answer(question, true, 0, at).unwrap();
    }
    let asked = tasks.step(vec![batch(1, 20)], 0, at).unwrap();
    assert_eq!(asked, [question(0, 10), question(2, 30)]);
    tasks.answer(asked[1], false, 0, at).unwrap();
    tasks.step(vec![batch(2, 30)], 0, at).unwrap();
    assert_eq!(*steps.lock().unwrap(), []);
    tasks.answer(asked[0], true, 0, at).unwrap();
    assert_eq!(*steps.lock().unwrap(), [(1, 20), (2, 30)]);
}

#[test]
fn what_is_let_go_is_not_idle_any_more() {
    let mut asleep = Asleep::new();
    asleep.tasks.let_go(&[1, 2], 0);
    assert_eq!(asleep.idles(), []);
    asleep.tasks.let_go(&[2, 3], 0);
    assert_eq!(asleep.idles(), [(0, false), (1, false)], "which its last commit says");
}

#[test]
fn what_is_held_goes_with_its_task_and_frees_its_room() {
    let intake = Intake::new(1);
    let mut asleep = Asleep::new();
    asleep.step(vec![Batch { place: intake.take(1), ..batch(0, 10) }]);
    assert!(!intake.wait_for_room(Duration::ZERO), "it is held with its place");
    asleep.tasks.drop_task(3);
    assert!(intake.wait_for_room(Duration::ZERO));
    asleep.answer(question(1, 20), false);
    assert_eq!(asleep.steps(), []);
    // Whoever starts it again reads it again, and knows of no input that it is idle.
    start(&mut asleep.tasks, Scripted { steps: Arc::clone(&asleep.steps), ..Scripted::default() }, None, asleep.at);
    asleep.step(vec![batch(0, 10)]);
    assert_eq!(asleep.steps(), [(0, 10)]);
}

#[test]
fn a_record_that_a_task_refuses_is_named_also_if_it_was_held() {
    let mut asleep = Asleep::new();
    asleep.step(vec![batch(1, 20), batch(1, BAD), batch(1, BAD + 1)]);
    let refused = asleep.tasks.answer(question(0, 10), true, 0, asleep.at).unwrap_err();
    let record = BadRecord { offset: BAD, what: "as the test wants".to_owned() };
    assert_eq!(refused, Misplaced { partition: 3, input: InputId(1), record });
    assert_eq!(asleep.steps(), [(1, 20), (1, BAD)]);
}

//! A second stage for the tests: says of each record of a topic how many came before it. It logs no state but reads its
//! input again when it is restored.

use postdict::event::Millis;
use postdict::stage::work::{
    BadRecord, Description, Fetched, InputId, Outgoing, OutputId, Restore, Restored, Stage, StageTask, StateError, Unit,
};

/// The stage.
pub struct Counting {
    description: Description,
}

impl Counting {
    /// Reads the pairs of the topics that begin with `name`.
    pub fn new(name: &str) -> Counting {
        Counting {
            description: Description {
                name: "counting",
                inputs: vec![format!("{name}.pairs")],
                outputs: vec![format!("{name}.counts")],
                placed_outputs: Vec::new(),
                changelog: format!("{name}.counting"),
                owns_inputs: false,
                needs_idleness: false,
            },
        }
    }
}

impl Stage for Counting {
    fn description(&self) -> &Description {
        &self.description
    }

    fn restore(&self, partition: i32) -> Box<dyn Restore> {
        Box::new(Counter { partition, ..Counter::default() })
    }
}

#[derive(Default)]
struct Counter {
    partition: i32,
    count: u64,
    /// Next offset after the last commit before this task was restored.
    known: i64,
    /// Next offset.
    position: i64,
    outputs: Vec<Outgoing>,
}

impl StageTask for Counter {
    fn step(&mut self, _input: InputId, fetched: &Fetched, _now: Millis) -> Result<(), BadRecord> {
        for record in &fetched.records {
            self.position = record.offset + 1;
            if record.offset >= self.known {
                let key = record.key.clone().expect("pairs have keys");
                self.outputs.push(Outgoing {
                    output: OutputId(0),
                    partition: None,
                    timestamp: Some(1_000 + self.count as i64),
                    key: Some(fetched.bytes[key.start as usize..key.end as usize].to_vec()),
                    value: Some(format!("{} {}", self.partition, self.count).into_bytes()),
                    headers: Vec::new(),
                });
            }
            self.count += 1;
        }
        Ok(())
    }

    fn commit(&mut self, _now: Millis) -> Unit {
        assert!(!self.is_catching_up(), "nothing goes out while it catches up");
        Unit { outputs: std::mem::take(&mut self.outputs), ..Unit::default() }
    }

    fn uncommitted_bytes(&self) -> usize {
        self.outputs.len() * 100
    }

    fn is_catching_up(&self) -> bool {
        self.position < self.known
    }
}

impl Restore for Counter {
    fn apply(&mut self, positions: &[i64], payload: &[u8]) -> Result<(), StateError> {
        assert!(payload.is_empty(), "a commit without a delta is one empty piece");
        self.known = positions[0];
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Restored, StateError> {
        Ok(Restored { task: self, read_from: Some(vec![0]) })
    }
}

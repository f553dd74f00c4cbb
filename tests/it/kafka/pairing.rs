//! A small stage for the tests: pairs the records of two inputs that have the same key.
//!
//! Its deltas are lines of text that say everything it did, so that whoever reads the changelog can account for each record:
//! `U 7` numbers the unit, `L 12` and `R 12` are records that came, `P 12` is a pair that went out.

use postdict::event::Millis;
use postdict::stage::work::{
    BadRecord, Description, Fetched, InputId, Outgoing, OutputId, Restore, Restored, Stage, StageTask, StateError, Unit,
};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

/// Small, so that a commit has several pieces.
const PIECE_BYTES: usize = 20_000;

/// A key that is too much for a running task.
pub const PANIC_RUNNING: &str = "panic-while-running";
/// A key that is too much for a task that is restored.
pub const PANIC_RESTORING: &str = "panic-while-restoring";

/// What the tasks of a stage were told about idleness: partition, input, idle or not.
pub type Idles = Arc<Mutex<Vec<(i32, u8, bool)>>>;

/// The stage.
pub struct Pairing {
    description: Description,
    /// Bytes of a pair's value besides the number of its unit.
    pub padding: usize,
    pub idles: Idles,
}

impl Pairing {
    /// On the topics that begin with `name`.
    pub fn new(name: &str) -> Pairing {
        Pairing {
            description: Description {
                name: "pairing",
                inputs: vec![format!("{name}.left"), format!("{name}.right")],
                outputs: vec![format!("{name}.pairs")],
                placed_outputs: vec![format!("{name}.pairs")],
                changelog: format!("{name}.changelog"),
                owns_inputs: false,
                needs_idleness: true,
            },
            padding: 0,
            idles: Idles::default(),
        }
    }
}

impl Stage for Pairing {
    fn description(&self) -> &Description {
        &self.description
    }

    fn restore(&self, partition: i32) -> Box<dyn Restore> {
        let (padding, idles) = (self.padding, Arc::clone(&self.idles));
        Box::new(Pairs { partition, padding, idles, ..Pairs::default() })
    }
}

/// A task, and a task in the making.
#[derive(Default)]
struct Pairs {
    partition: i32,
    padding: usize,
    idles: Idles,
    unit: u64,
    /// Keys that wait for the other input.
    waiting: [BTreeSet<String>; 2],
    /// Lines since the last commit.
    lines: Vec<String>,
}

impl Pairs {
    /// Takes a key. True if it makes a pair.
    fn take(&mut self, input: usize, key: &str) -> bool {
        let pairs = self.waiting[1 - input].remove(key);
        if !pairs {
            self.waiting[input].insert(key.to_owned());
        }
        pairs
    }
}

impl StageTask for Pairs {
    fn step(&mut self, input: InputId, fetched: &Fetched, _now: Millis) -> Result<(), BadRecord> {
        for record in &fetched.records {
            let key = record.key.clone().expect("the tests write keys");
            let key =
                std::str::from_utf8(&fetched.bytes[key.start as usize..key.end as usize]).expect("text").to_owned();
            assert_ne!(key, PANIC_RUNNING, "as the test wants");
            self.lines.push(format!("{} {key}", ["L", "R"][usize::from(input.0)]));
            if self.take(usize::from(input.0), &key) {
                self.lines.push(format!("P {key}"));
            }
        }
        Ok(())
    }

    fn set_idle(&mut self, input: InputId, idle: bool, _now: Millis) {
        self.idles.lock().unwrap().push((self.partition, input.0, idle));
    }

    fn commit(&mut self, _now: Millis) -> Unit {
        if self.lines.is_empty() {
            return Unit::default();
        }
        self.unit += 1;
        let pair = |key: &str| Outgoing {
            output: OutputId(0),
            partition: Some(self.partition),
            timestamp: None,
            key: Some(key.as_bytes().to_vec()),
            value: Some(format!("{} {}", self.unit, "x".repeat(self.padding)).into_bytes()),
            headers: vec![("unit".to_owned(), Some(self.unit.to_string().into_bytes())), ("empty".to_owned(), None)],
        };
        let outputs = self.lines.iter().filter_map(|line| line.strip_prefix("P ")).map(pair).collect();
        let mut delta = vec![format!("U {}\n", self.unit).into_bytes()];
        for line in self.lines.drain(..) {
            if delta.last().is_some_and(|piece| piece.len() > PIECE_BYTES) {
                delta.push(Vec::new());
            }
            let piece = delta.last_mut().expect("never empty");
            piece.extend(line.bytes().chain([b'\n']));
        }
        Unit { outputs, delta, ..Unit::default() }
    }

    fn uncommitted_bytes(&self) -> usize {
        self.lines.len() * 32
    }
}

impl Restore for Pairs {
    fn apply(&mut self, positions: &[i64], payload: &[u8]) -> Result<(), StateError> {
        assert_eq!(positions.len(), 2);
        let text = std::str::from_utf8(payload).map_err(|_| StateError::Corrupt("not text".to_owned()))?;
        for line in text.lines() {
            assert!(!line.ends_with(PANIC_RESTORING), "as the test wants");
            match line.split_once(' ') {
                Some(("U", unit)) => self.unit = unit.parse().map_err(|_| StateError::Corrupt(line.to_owned()))?,
                Some(("L", key)) => drop(self.take(0, key)),
                Some(("R", key)) => drop(self.take(1, key)),
                Some(("P", _)) => {}
                _ => return Err(StateError::Corrupt(format!("`{line}` is no line of this stage"))),
            }
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Restored, StateError> {
        Ok(Restored { task: self, read_from: None })
    }
}

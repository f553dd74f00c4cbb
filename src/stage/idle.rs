//! Idleness: whether an input partition that is silent was really read to its end, and is not just slow to arrive.
//!
//! Its position is at the high watermark, or all that lies between are marks of transactions and aborted records; and no
//! transaction is open whose records would follow. Asked on a thread of its own, because brokers may be slow to answer.

use super::log::{ClientLog, Plain};
use super::message::Message;
use super::properties::Properties;
use super::protocol::Tag;
use super::thread::spawn;
use super::work::InputId;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::{Offset, TopicPartitionList};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long one question to the brokers may take.
const ASK: Duration = Duration::from_secs(2);

/// Between two looks at what the clients have to say while nothing is asked.
const SERVE: Duration = Duration::from_millis(500);

/// Is there a record at `position` or after it?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question {
    /// Which partition.
    pub partition: i32,
    /// The tag of its assignment.
    pub tag: Tag,
    /// Which input.
    pub input: InputId,
    /// Next offset to be read.
    pub position: i64,
}

/// Who answers. Each question gets an answer, so that the one who asks decides how many are open.
pub struct Idleness {
    questions: Option<Sender<Question>>,
    thread: Option<JoinHandle<()>>,
}

impl Idleness {
    /// Starts the thread. `ends` is a client that sees the true ends of logs.
    ///
    /// # Errors
    /// If the client cannot be made.
    pub fn start(
        properties: &Properties,
        stage: &str,
        inputs: &[String],
        ends: Arc<BaseConsumer<Plain>>,
        engine: Sender<Message>,
    ) -> KafkaResult<Idleness> {
        let reader = properties.restore().create_with_context(Plain(ClientLog::new(stage, "idle")))?;
        let (questions, asked) = channel();
        let oracle = Oracle {
            inputs: inputs.to_vec(),
            reader,
            ends,
            asked,
            engine: engine.clone(),
            ends_known: BTreeMap::new(),
        };
        let thread = spawn(format!("{stage}-idle"), engine, move || oracle.run())?;
        Ok(Idleness { questions: Some(questions), thread: Some(thread) })
    }

    /// Asks; the engine is told.
    pub fn ask(&self, question: Question) {
        if let Some(questions) = &self.questions {
            let _ = questions.send(question);
        }
    }
}

impl Drop for Idleness {
    fn drop(&mut self) {
        self.questions = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Oracle {
    inputs: Vec<String>,
    reader: BaseConsumer<Plain>,
    ends: Arc<BaseConsumer<Plain>>,
    asked: Receiver<Question>,
    engine: Sender<Message>,
    /// Positions that were found to have nothing between them and the high watermark: by input and partition.
    ends_known: BTreeMap<(InputId, i32), (i64, i64)>,
}

impl Oracle {
    fn run(mut self) {
        loop {
            let question = match self.asked.recv_timeout(SERVE) {
                Ok(question) => question,
                Err(RecvTimeoutError::Timeout) => {
                    self.serve();
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => return,
            };
            let at_end = self.is_at_end(&question).unwrap_or_else(|error| {
                tracing::debug!(partition = question.partition, "idleness: {error}");
                false
            });
            if self.engine.send(Message::Probed { question, at_end }).is_err() {
                // Nobody waits for answers any more, and without brokers each takes seconds.
                return;
            }
        }
    }

    /// Takes what the clients have to say: what an outage leaves behind would be taken for answers otherwise.
    fn serve(&self) {
        while self.reader.poll(Duration::ZERO).is_some() {}
        while self.ends.poll(Duration::ZERO).is_some() {}
    }

    fn is_at_end(&mut self, question: &Question) -> KafkaResult<bool> {
        let Some(topic) = self.inputs.get(usize::from(question.input.0)) else { return Ok(false) };
        let (_, high) = self.ends.fetch_watermarks(topic, question.partition, ASK)?;
        if question.position >= high {
            return Ok(true);
        }
        // Behind the last record there are often marks of transactions. An idle input is asked about again and again.
        let place = (question.input, question.partition);
        if self.ends_known.get(&place) == Some(&(question.position, high)) {
            return Ok(true);
        }
        // For a client that reads committed records the end is the last stable offset.
        let (_, stable) = self.reader.fetch_watermarks(topic, question.partition, ASK)?;
        if stable < high {
            return Ok(false);
        }
        let at_end = self.has_no_record(topic, question.partition, question.position)?;
        if at_end {
            self.ends_known.insert(place, (question.position, high));
        }
        Ok(at_end)
    }

    /// Reads from `position` to the end.
    fn has_no_record(&self, topic: &str, partition: i32, position: i64) -> KafkaResult<bool> {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, partition, Offset::Offset(position))?;
        self.reader.assign(&list)?;
        let deadline = Instant::now() + ASK;
        let mut answer = Ok(false);
        while Instant::now() < deadline {
            match self.reader.poll(Duration::from_millis(50)) {
                Some(Ok(_)) => break,
                Some(Err(KafkaError::PartitionEOF(_))) => {
                    answer = Ok(true);
                    break;
                }
                // Of a connection that was lost some time ago: this one is tried until the time is over.
                None | Some(Err(_)) => {}
            }
        }
        self.reader.unassign()?;
        answer
    }
}

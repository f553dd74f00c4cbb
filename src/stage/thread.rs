//! Threads that tell the engine if they die: a stage that misses one of its threads would wait for ever.

use super::message::Message;
use rdkafka::error::{KafkaError, KafkaResult};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::Sender;
use std::thread::{Builder, JoinHandle};

/// Starts a thread.
///
/// # Errors
/// If the system has none to give.
pub fn spawn(
    name: String,
    engine: Sender<Message>,
    work: impl FnOnce() + Send + 'static,
) -> KafkaResult<JoinHandle<()>> {
    let own_name = name.clone();
    let work = move || {
        if catch_unwind(AssertUnwindSafe(work)).is_err() {
            let _ = engine.send(Message::Broken(format!("a bug: the thread `{own_name}` panicked")));
        }
    };
    Builder::new().name(name).spawn(work).map_err(|error| KafkaError::ClientCreation(format!("no thread: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn the_engine_is_told_of_a_thread_that_panics() {
        let (engine, messages) = channel();
        let thread = spawn("doomed".to_owned(), engine, || panic!("as the test wants")).expect("a thread");
        thread.join().expect("the panic is caught");
        assert!(matches!(messages.recv(), Ok(Message::Broken(why)) if why.contains("`doomed`")));
    }
}

//! Which partitions the engine was told to own. Goes on from one client of a member to the next, so that the engine hears
//! of everything that the earlier one owned, also where that client cannot say so any more.
//!
//! Losses are counted, so that the engine cannot commit for a lost partition in the name of the member's next membership,
//! before it has heard of the loss.

use super::message::Message;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, MutexGuard};

/// What the engine of one stage owns.
pub struct Ownership {
    partitions: Mutex<BTreeSet<i32>>,
    /// How often partitions were lost.
    losses: AtomicU64,
    engine: Sender<Message>,
}

impl Ownership {
    /// Of nothing yet.
    pub fn new(engine: Sender<Message>) -> Ownership {
        Ownership { partitions: Mutex::default(), losses: AtomicU64::new(0), engine }
    }

    /// How often partitions were lost. Counted before the group can be joined again: whoever sees the identity of a later
    /// membership sees the loss of the earlier one here.
    pub fn losses(&self) -> u64 {
        self.losses.load(Ordering::SeqCst)
    }

    /// The engine owns these as well.
    pub fn gain(&self, partitions: Vec<i32>) {
        self.partitions().extend(&partitions);
        let _ = self.engine.send(Message::Assigned(partitions));
    }

    /// Takes these away, once the engine has let them go.
    pub fn give_up(&self, partitions: Vec<i32>) {
        let (acknowledge, acknowledged) = channel();
        let _ = self.engine.send(Message::Revoked(partitions.clone(), acknowledge));
        // Ends with an error where the engine has ended: then there is nothing to wait for.
        let _ = acknowledged.recv();
        self.forget(&partitions);
    }

    /// These are somebody else's already.
    pub fn lose(&self, partitions: Vec<i32>) {
        self.forget(&partitions);
        self.losses.fetch_add(1, Ordering::SeqCst);
        let _ = self.engine.send(Message::Lost(partitions));
    }

    /// Whatever is owned is somebody else's already.
    pub fn lose_all(&self) {
        let owned: Vec<i32> = self.partitions().iter().copied().collect();
        if !owned.is_empty() {
            self.lose(owned);
        }
    }

    fn forget(&self, partitions: &[i32]) {
        self.partitions().retain(|partition| !partitions.contains(partition));
    }

    fn partitions(&self) -> MutexGuard<'_, BTreeSet<i32>> {
        self.partitions.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::Receiver;

    fn owning(partitions: Vec<i32>) -> (Ownership, Receiver<Message>) {
        let (engine, messages) = channel();
        let ownership = Ownership::new(engine);
        ownership.gain(partitions);
        assert!(matches!(messages.recv(), Ok(Message::Assigned(_))));
        (ownership, messages)
    }

    #[test]
    fn what_is_left_is_lost_once() {
        let (ownership, messages) = owning(vec![0, 1, 2, 3]);
        ownership.lose(vec![1]);
        assert!(matches!(messages.recv(), Ok(Message::Lost(lost)) if lost == [1]));
        std::thread::scope(|threads| {
            threads.spawn(|| ownership.give_up(vec![2]));
            let Ok(Message::Revoked(revoked, acknowledge)) = messages.recv() else { panic!("it is asked for") };
            assert_eq!(revoked, [2]);
            acknowledge.send(()).expect("it is waited for");
        });
        ownership.lose_all();
        assert!(matches!(messages.recv(), Ok(Message::Lost(lost)) if lost == [0, 3]));
        assert_eq!(ownership.losses(), 2);
        ownership.lose_all();
        assert!(messages.try_recv().is_err(), "nothing is owned any more");
        assert_eq!(ownership.losses(), 2, "as many as were told");
    }

    #[test]
    fn an_engine_that_has_ended_is_not_waited_for() {
        let (ownership, messages) = owning(vec![0]);
        drop(messages);
        ownership.give_up(vec![0]);
    }
}

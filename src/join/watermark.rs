//! Stream time and watermark of the two topics of one partition.

use crate::event::{Millis, Role};

/// How far each topic has come in event time.
///
/// The watermark of a model is the least of the two, less its allowed lateness. A topic that is idle at its log's end
/// does not hold the other back: while it is idle, new records of the other topic carry it along. But only as far as they
/// were when somebody went to look whether it is at its end still, and found it so: what was written to it since may be
/// unread while the other is read far ahead. The end of input by itself moves nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StreamTime {
    predictions: Topic,
    labels: Topic,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Topic {
    /// Largest event time seen.
    newest: Option<Millis>,
    /// `newest`, or how far the other topic carried this one while it was idle.
    reached: Option<Millis>,
    /// How many times in a row it was found idle; 0: it flows.
    idle_checks: u64,
    /// Largest event time that came to the other topic while this one was idle.
    pull: Option<Millis>,
    /// The same, before the look at its end that was begun last.
    pull_before_look: Option<Millis>,
}

impl StreamTime {
    /// Takes note of a record.
    pub fn advance(&mut self, role: Role, time: Millis) {
        let (topic, other) = match role {
            Role::Predictions => (&mut self.predictions, &mut self.labels),
            Role::Labels => (&mut self.labels, &mut self.predictions),
        };
        topic.newest = topic.newest.max(Some(time));
        topic.reached = topic.reached.max(Some(time));
        if other.idle_checks > 0 {
            other.pull = other.pull.max(Some(time));
        }
    }

    /// It is asked now whether a topic is at its log's end.
    pub fn before_look(&mut self, role: Role) {
        let topic = self.topic(role);
        topic.pull_before_look = topic.pull;
    }

    /// A topic was found at its log's end and silent for the idle time-out, once more; or it is so no longer.
    pub fn set_idle(&mut self, role: Role, idle: bool) {
        let topic = self.topic(role);
        if idle {
            topic.idle_checks += 1;
            topic.reached = topic.reached.max(topic.pull_before_look);
        } else {
            (topic.idle_checks, topic.pull, topic.pull_before_look) = (0, None, None);
        }
    }

    fn topic(&mut self, role: Role) -> &mut Topic {
        match role {
            Role::Predictions => &mut self.predictions,
            Role::Labels => &mut self.labels,
        }
    }

    /// How many times in a row `role`'s topic was found idle.
    pub fn idle_checks(&self, role: Role) -> u64 {
        match role {
            Role::Predictions => self.predictions.idle_checks,
            Role::Labels => self.labels.idle_checks,
        }
    }

    /// Largest event time seen in `role`'s topic.
    pub fn newest(&self, role: Role) -> Option<Millis> {
        match role {
            Role::Predictions => self.predictions.newest,
            Role::Labels => self.labels.newest,
        }
    }

    /// As many numbers as [`Self::to_numbers`] gives.
    pub const NUMBERS: usize = 4;

    /// How far the topics have come, for the log of the state: newest and reached, of predictions and of labels.
    pub fn to_numbers(&self) -> [Millis; Self::NUMBERS] {
        let times = [self.predictions.newest, self.predictions.reached, self.labels.newest, self.labels.reached];
        times.map(|time| time.unwrap_or(Millis::MIN))
    }

    /// From what [`Self::to_numbers`] gave; no topic is idle.
    pub fn from_numbers(numbers: [Millis; Self::NUMBERS]) -> StreamTime {
        let [a, b, c, d] = numbers.map(|number| (number != Millis::MIN).then_some(number));
        StreamTime {
            predictions: Topic { newest: a, reached: b, ..Topic::default() },
            labels: Topic { newest: c, reached: d, ..Topic::default() },
        }
    }

    /// The event time that both topics have reached; `None` while one of them has shown nothing.
    pub fn reached(&self) -> Option<Millis> {
        Some(self.predictions.reached?.min(self.labels.reached?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slower_topic_holds_the_watermark() {
        let mut time = StreamTime::default();
        time.advance(Role::Predictions, 100);
        assert_eq!(time.reached(), None, "labels may still be of any time");
        time.advance(Role::Labels, 40);
        time.advance(Role::Labels, 30);
        assert_eq!(time.reached(), Some(40));
    }

    #[test]
    fn an_idle_topic_is_carried_along_by_new_records_only_and_as_far_as_they_were_before_it_was_looked_at() {
        let mut time = StreamTime::default();
        let look = |time: &mut StreamTime| {
            time.before_look(Role::Labels);
            time.set_idle(Role::Labels, true);
        };
        time.advance(Role::Predictions, 100);
        time.advance(Role::Labels, 40);
        look(&mut time);
        look(&mut time);
        assert_eq!(time.reached(), Some(40), "the end of input moves nothing");
        time.advance(Role::Predictions, 110);
        assert_eq!(time.reached(), Some(40), "labels may have been written meanwhile");
        time.before_look(Role::Labels);
        time.advance(Role::Predictions, 130);
        time.set_idle(Role::Labels, true);
        assert_eq!(time.reached(), Some(110), "what came after the look was begun does not count");
        time.advance(Role::Predictions, 120);
        look(&mut time);
        assert_eq!(time.reached(), Some(130));
        time.set_idle(Role::Labels, false);
        time.advance(Role::Labels, 50);
        assert_eq!(time.reached(), Some(130), "a watermark never goes back");
        time.advance(Role::Predictions, 150);
        look(&mut time);
        assert_eq!(time.reached(), Some(130), "what came while it flowed carries it nowhere");
    }

    #[test]
    fn a_topic_that_turns_out_not_to_be_at_its_end_is_not_carried() {
        let mut time = StreamTime::default();
        time.advance(Role::Labels, 40);
        time.set_idle(Role::Labels, true);
        time.advance(Role::Predictions, 900);
        time.before_look(Role::Labels);
        time.set_idle(Role::Labels, false);
        time.advance(Role::Labels, 50);
        assert_eq!(time.reached(), Some(50));
    }
}

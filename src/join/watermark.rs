//! Stream time and watermark of the two topics of one partition.

use crate::event::{Millis, Role};

/// How far each topic has come in event time.
///
/// The watermark of a model is the least of the two, less its allowed lateness. A topic that is idle at its log's end
/// does not hold the other back: while it is idle, each new record of the other topic carries it along. The end of
/// input by itself moves nothing.
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
    idle: bool,
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
        if other.idle {
            other.reached = other.reached.max(topic.reached);
        }
    }

    /// Says whether a topic is at its log's end and has been silent for the idle time-out.
    pub fn set_idle(&mut self, role: Role, idle: bool) {
        match role {
            Role::Predictions => self.predictions.idle = idle,
            Role::Labels => self.labels.idle = idle,
        }
    }

    /// True if `role`'s topic is idle.
    pub fn is_idle(&self, role: Role) -> bool {
        match role {
            Role::Predictions => self.predictions.idle,
            Role::Labels => self.labels.idle,
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
            predictions: Topic { newest: a, reached: b, idle: false },
            labels: Topic { newest: c, reached: d, idle: false },
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
    fn an_idle_topic_is_carried_along_by_new_records_only() {
        let mut time = StreamTime::default();
        time.advance(Role::Predictions, 100);
        time.advance(Role::Labels, 40);
        time.set_idle(Role::Labels, true);
        assert_eq!(time.reached(), Some(40), "the end of input moves nothing");
        time.advance(Role::Predictions, 110);
        assert_eq!(time.reached(), Some(110));
        time.set_idle(Role::Labels, false);
        time.advance(Role::Labels, 50);
        assert_eq!(time.reached(), Some(110), "a watermark never goes back");
    }
}

//! Reading a topic for somebody who looks on: what is there, then what comes.

use super::super::collect::Collector;
use super::super::log::ClientLog;
use super::super::options::Options;
use super::super::properties::{Ids, Properties};
use super::super::topics::Problem;
use super::topic::{TopicReader, TopicRecord};
use std::ops::ControlFlow;
use std::time::Duration;

/// How long one look for records takes.
const LOOK: Duration = Duration::from_millis(200);

/// What is to be seen.
#[derive(Debug)]
pub enum Watched<'r> {
    /// A record that was there.
    Old(&'r TopicRecord),
    /// All that was there has been shown.
    End,
    /// A record that came since.
    New(&'r TopicRecord),
}

/// Shows `each` the committed records of a topic, which is for `name`, until it has seen enough.
///
/// # Errors
/// If the topic cannot be read.
pub fn watch(
    options: &Options,
    name: &str,
    topic: &str,
    mut each: impl FnMut(Watched<'_>) -> ControlFlow<()>,
) -> Result<(), String> {
    let partitions = Collector::new(options, topic).and_then(|collector| collector.partitions());
    let partitions = partitions.map_err(|error| error.to_string())?;
    let properties = Properties::new(options, &Ids::new(options, name, 0));
    let mut reader = TopicReader::open(&properties, name, topic, partitions)?;
    let log = ClientLog::new(name, "reader");
    let mut is_new = false;
    loop {
        let seen = match reader.next(LOOK) {
            Ok(Some(record)) if is_new => each(Watched::New(&record)),
            Ok(Some(record)) => each(Watched::Old(&record)),
            Ok(None) => ControlFlow::Continue(()),
            Err(Problem::Unreachable(why)) => {
                log.warn(&why);
                ControlFlow::Continue(())
            }
            Err(Problem::Missing(why) | Problem::Wrong(why)) => return Err(why),
        };
        if seen.is_break() {
            return Ok(());
        }
        if !is_new && reader.is_at_end() {
            is_new = true;
            if each(Watched::End).is_break() {
                return Ok(());
            }
        }
    }
}

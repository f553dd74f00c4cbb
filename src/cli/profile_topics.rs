//! The records that a profile is made of, from the topics of the configuration: fetched once into a temporary folder, which
//! is gone when the profile is there.

use super::{Failure, grouped, usage, when};
use crate::codec::Message;
use crate::config::Config;
use crate::event::Millis;
use crate::replay::Spool;
use crate::stage::collect::{CollectError, Collector, Span};
use crate::stage::work::Fetched;
use crate::stage::{LogFormat, Options, start_log};
use std::path::{Path, PathBuf};

/// What is read of topics instead of files.
#[derive(Debug, clap::Args)]
pub(super) struct FromTopics {
    /// Read the predictions from their topic, as the configuration has it, instead of from files: what is committed when
    /// the command begins. No consumer group is joined
    #[arg(long, conflicts_with_all = ["predictions", "labels"], requires = "config")]
    pub topic: bool,
    /// Read the labels from their topic too, to its end, as labels come later: see --labels
    #[arg(long, requires = "topic", conflicts_with_all = ["predictions", "labels"])]
    pub topic_labels: bool,
    /// Begin with the first records that Kafka has with this timestamp or a later one (2026-05-01, 2026-05-01T06:00:00Z or
    /// ms since 1970) [default: the first that are there]
    #[arg(long, value_name = "TIME", value_parser = when::parse, requires = "topic", conflicts_with_all = ["predictions", "labels"])]
    since: Option<Millis>,
    /// End before the first prediction that Kafka has with a later timestamp (a date is its whole day)
    #[arg(long, value_name = "TIME", value_parser = when::parse_end, requires = "topic", conflicts_with_all = ["predictions", "labels"])]
    until: Option<Millis>,
}

/// What was fetched: a file per partition, as long as this lives.
pub(super) struct Fetch {
    folder: PathBuf,
    pub predictions: Vec<PathBuf>,
    pub labels: Vec<PathBuf>,
}

impl Drop for Fetch {
    fn drop(&mut self) {
        // A folder of the system's that it clears itself.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl FromTopics {
    /// Fetches what was asked for.
    pub(super) fn fetch(&self, config: &Config, is_quiet: bool) -> Result<Fetch, Failure> {
        if let (Some(since), Some(until)) = (self.since, self.until)
            && since > until
        {
            return Err(usage(&["--since is later than --until, so no record is left".to_owned()]));
        }
        let options = super::options(config)?;
        start_log(LogFormat::Text, "warn").map_err(|problem| usage(&[problem]))?;
        let failed = |error: &dyn std::fmt::Display| {
            eprintln!("error: {error}");
            Failure::Running
        };
        // In a container each process has the same id, and one that was killed leaves its folder behind.
        let nanos = std::time::UNIX_EPOCH.elapsed().unwrap_or_default().as_nanos();
        let folder = std::env::temp_dir().join(format!("postdict-profile-{}-{nanos}", std::process::id()));
        std::fs::create_dir(&folder).map_err(|error| failed(&format!("{}: {error}", folder.display())))?;
        let mut fetch = Fetch { folder: folder.clone(), predictions: Vec::new(), labels: Vec::new() };
        let interrupted = folder.clone();
        let on_signal = move || {
            let _ = std::fs::remove_dir_all(&interrupted);
            std::process::exit(130);
        };
        if let Err(error) = ctrlc::set_handler(on_signal) {
            eprintln!("warning: Ctrl-C will leave {} behind: {error}", folder.display());
        }
        let read = |role: &str, topic: &str, span| {
            let (files, records) = keep(&options, topic, span, &folder, role).map_err(|error| failed(&error))?;
            if !is_quiet {
                eprintln!("read {} records of topic `{topic}`", grouped(records));
            }
            Ok(files)
        };
        let span = Span { since: self.since, until: self.until, last: None };
        fetch.predictions = read("predictions", &config.topics.predictions, span)?;
        if self.topic_labels {
            fetch.labels = read("labels", &config.topics.labels, Span { until: None, ..span })?;
        }
        Ok(fetch)
    }
}

/// Fetches the records of a topic into files in `folder`, one per partition.
fn keep(
    options: &Options,
    topic: &str,
    span: Span,
    folder: &Path,
    role: &str,
) -> Result<(Vec<PathBuf>, u64), CollectError> {
    let collector = Collector::new(options, topic)?;
    let partitions = collector.partitions()?;
    let files: Vec<PathBuf> = (0..partitions).map(|partition| folder.join(format!("{role}-{partition}"))).collect();
    let mut spools = files.iter().map(|path| Spool::create(path)).collect::<Result<Vec<_>, _>>()?;
    let records = collector.read(partitions, span, |partition, fetched| {
        let spool = usize::try_from(partition).ok().and_then(|partition| spools.get_mut(partition));
        spool.map_or(Ok(()), |spool| write(spool, fetched))
    })?;
    for spool in spools {
        spool.finish()?;
    }
    Ok((files, records))
}

fn write(spool: &mut Spool, fetched: &Fetched) -> std::io::Result<()> {
    let bytes = |range: &Option<std::ops::Range<u32>>| {
        range.as_ref().map(|range| &fetched.bytes[range.start as usize..range.end as usize])
    };
    fetched.records.iter().try_for_each(|record| {
        spool.write(&Message {
            offset: record.offset,
            timestamp: record.timestamp,
            key: bytes(&record.key),
            value: bytes(&record.value),
            headers: &record.headers,
        })
    })
}

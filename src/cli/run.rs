//! `postdict run`: the service on Kafka.

use super::{Failure, usage};
use crate::config::Config;
use crate::event::Settings;
use crate::event::alert::Control;
use crate::stage::admin::Admin;
use crate::stage::followed::{self, Content, Follower};
use crate::stage::plan::partials_topic;
use crate::stage::topics::Problem;
use crate::stage::work::Stage;
use crate::stage::{AssessStage, JoinStage, LogFormat, Options, Stop, control, references, start_log};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Run the service on Kafka: two topics in, metric rows out, exactly once
///
/// Stops on SIGTERM and Ctrl-C within seconds, with everything committed. Any number of processes may run with the same
/// configuration: they share the partitions. Give each a stable name in the environment variable POSTDICT_INSTANCE, so
/// that one that is started again takes over at once.
#[derive(Debug, clap::Args)]
pub struct Run {
    /// Configuration file (YAML)
    #[arg(short, long, value_name = "FILE", default_value = "postdict.yaml")]
    config: PathBuf,
    /// Which part of the work this process does
    #[arg(long, value_name = "WHICH", default_value = "all")]
    stage: Which,
    /// How log lines look
    #[arg(long, value_name = "FORM", default_value = "text")]
    log: Form,
    /// What is logged, in the form of RUST_LOG
    #[arg(long, value_name = "FILTER", default_value = "info")]
    log_filter: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Which {
    All,
    Join,
    Assess,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Form {
    Text,
    Json,
}

impl Run {
    pub(super) fn run(self) -> Result<(), Failure> {
        super::arenas::bound();
        let config = Arc::new(super::replay::load(&self.config)?);
        super::check::show(&config.warnings);
        let options = super::options(&config)?;
        let form = match self.log {
            Form::Text => LogFormat::Text,
            Form::Json => LogFormat::Json,
        };
        start_log(form, &self.log_filter).map_err(|problem| usage(&[problem]))?;
        let stop = Stop::default();
        let failed = |why: String| {
            tracing::error!("{why}");
            Failure::Running
        };
        stop.on_signals().map_err(|error| failed(error.to_string()))?;
        let admin = Admin::new(&options).map_err(failed)?;
        // The followers end when the stages have.
        let found = self.follow(&admin, &config, &options, &stop).map_err(failed)?;
        let found = found.map(|followed| {
            let stages = self.stages(&admin, &config, &followed, &stop).map_err(failed)?;
            Ok(stages.map(|stages| (stages, followed)))
        });
        let Some((stages, _followed)) = found.transpose()?.flatten() else {
            tracing::info!("stopped before the brokers answered");
            return Ok(());
        };
        announce(&config, &options, &stages);
        // What is wrong was logged where it happened.
        crate::stage::run(stages, &options, &stop).map_err(|_| Failure::Running)?;
        tracing::info!("everything is committed: stopped");
        Ok(())
    }

    /// What its stages follow; `None` if it is to stop before all was read.
    fn follow(
        &self,
        admin: &Admin,
        config: &Arc<Config>,
        options: &Options,
        stop: &Stop,
    ) -> Result<Option<Followers>, String> {
        let shell = (admin, options, stop);
        let topics = &config.topics;
        let known = |topic: &str| references::Known::new(config, topic);
        let Some(references) = follow(shell, topics.references.as_deref(), known, || config.settings.clone())? else {
            return Ok(None);
        };
        // What is said of alerts is for ASSESS.
        let topic = topics.control.as_deref().filter(|_| self.stage != Which::Join);
        let control = follow(shell, topic, control::Known::new, Control::default)?;
        Ok(control.map(|control| Followers { references, control }))
    }

    /// The stages that this process runs; `None` if it is to stop before the brokers answered.
    fn stages(
        &self,
        admin: &Admin,
        config: &Arc<Config>,
        followed: &Followers,
        stop: &Stop,
    ) -> Result<Option<Vec<Arc<dyn Stage>>>, String> {
        let mut stages: Vec<Arc<dyn Stage>> = Vec::new();
        if self.stage != Which::Assess {
            let partials = partials_topic(&config.kafka.application_id);
            let Some(partitions) = partitions(admin, &partials, stop)? else { return Ok(None) };
            let partitions =
                i32::try_from(partitions).map_err(|_| format!("topic `{partials}` has too many partitions"))?;
            stages.push(Arc::new(
                JoinStage::new(Arc::clone(config), partitions)
                    .map_err(|error| format!("the schemas of the inputs: {error}"))?
                    .with_references(Arc::clone(followed.references.followed())),
            ));
        }
        if self.stage != Which::Join {
            let Some(partitions) = partitions(admin, &config.topics.predictions, stop)? else { return Ok(None) };
            let stage = AssessStage::new(Arc::clone(config), partitions)
                .with_references(Arc::clone(followed.references.followed()))
                .with_control(Arc::clone(followed.control.followed()));
            // Without a rule nobody needs the topic; where it is, it may hold alerts that are over with their rules.
            let is_there = admin.partitions(&config.topics.alerts.name).is_ok();
            stages.push(Arc::new(if is_there { stage.with_alerts_topic() } else { stage }));
        }
        Ok(Some(stages))
    }
}

/// What is followed for as long as the stages run.
struct Followers {
    references: Follower<Settings>,
    control: Follower<Control>,
}

/// What is known of a topic, once it was read; of `none` if there is no such topic. `None` if it is to stop before.
fn follow<C: Content>(
    (admin, options, stop): (&Admin, &Options, &Stop),
    topic: Option<&str>,
    content: impl FnOnce(&str) -> C,
    none: impl FnOnce() -> C::Value,
) -> Result<Option<Follower<C::Value>>, String> {
    let Some(topic) = topic else { return Ok(Some(Follower::of(none()))) };
    let Some(partitions) = partitions(admin, topic, stop)? else { return Ok(None) };
    followed::start(content(topic), options, (topic, partitions), stop)
}

/// Partitions of a topic, once the brokers answer; `None` if it is to stop before.
pub(super) fn partitions(admin: &Admin, topic: &str, stop: &Stop) -> Result<Option<usize>, String> {
    let mut said: Option<Instant> = None;
    while !stop.is_requested() {
        match admin.partitions(topic) {
            Ok(partitions) => return Ok(Some(partitions)),
            Err(Problem::Missing(why)) => return Err(format!("{why}; `postdict topics create` makes all topics")),
            Err(Problem::Wrong(why)) => return Err(why),
            Err(Problem::Unreachable(why)) => {
                if said.is_none_or(|said| said.elapsed() > Duration::from_secs(30)) {
                    said = Some(Instant::now());
                    tracing::warn!("waiting for the brokers: {why}");
                }
            }
        }
    }
    Ok(None)
}

/// The first lines: what will be done, under which names.
fn announce(config: &Config, options: &Options, stages: &[Arc<dyn Stage>]) {
    let instance = options.instance_id.as_deref().unwrap_or("none: a restart waits for the old process to time out");
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        brokers = %options.bootstrap_servers,
        application = %options.application_id,
        instance,
        models_by_name = config.settings.models.len(),
        start = %config.start,
        commit_interval_ms = config.commit_interval_ms,
        "postdict starts"
    );
    for stage in stages {
        tracing::info!(
            reads = %stage.inputs().join(", "),
            writes = %stage.outputs().join(", "),
            state = %stage.changelog(),
            "stage {}",
            stage.name()
        );
    }
}

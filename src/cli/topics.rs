//! `postdict topics`: the topics of the service, made and looked at.

use super::{Failure, print};
use crate::config::Config;
use crate::stage::Stop;
use crate::stage::admin::Admin;
use crate::stage::plan::{Purpose, TopicPlan, lines, partials_topic};
use crate::stage::topics::Problem;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Create the topics that the service needs, say what is wrong with those that are there, or start anew
#[derive(Debug, clap::Args)]
pub struct Topics {
    /// Configuration file (YAML)
    #[arg(short, long, value_name = "FILE", default_value = "postdict.yaml", global = true)]
    config: PathBuf,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Create what is missing, with the right partitions and settings; what is there stays as it is
    Create {
        /// Partitions of `predictions` and `labels`, where they are not there yet
        #[arg(long, value_name = "COUNT", default_value_t = 8)]
        partitions: usize,
        /// Replicas of every topic [default: what the brokers say]
        #[arg(long, value_name = "COUNT")]
        replicas: Option<usize>,
    },
    /// Say what is missing or wrong, and what to do; changes nothing
    Check,
    /// Delete the service's own state (its topics, and the offsets of its groups) and make its topics anew; inputs and
    /// outputs stay as they are
    Reset {
        /// Do it. Without, only say what would be deleted
        #[arg(long)]
        yes: bool,
        /// Replicas of the topics that are made [default: as many as before]
        #[arg(long, value_name = "COUNT")]
        replicas: Option<usize>,
    },
}

/// How long a topic may take to be known once it was created.
const SEEN_MAX: Duration = Duration::from_secs(30);

/// Most partitions of the partials topic: each JOIN partition tells each of them how far it has come.
const PARTIALS_PARTITIONS_MAX: usize = 4;

impl Topics {
    pub(super) fn run(self) -> Result<(), Failure> {
        let (config, options) = super::on_kafka(&self.config)?;
        let failed = |why: String| {
            eprintln!("error: {why}");
            Failure::Running
        };
        let admin = Admin::new(&options).map_err(failed)?;
        match self.what {
            What::Create { partitions, replicas } => {
                let plan = plan(&admin, &config, partitions).map_err(failed)?;
                create(&admin, &plan, |_| replicas).map_err(failed)?;
                check(&admin, &plan).map_err(failed)?
            }
            What::Reset { yes, replicas } => {
                super::run::partitions(&admin, &config.topics.predictions, &Stop::default()).map_err(failed)?;
                let plan = plan(&admin, &config, 1).map_err(failed)?;
                let before = super::reset::delete(&admin, &options, &plan, yes).map_err(failed)??;
                let as_before = |topic: &str| before.get(topic).map(|found| found.replicas);
                let state = plan.state();
                create(&admin, &state, |topic| replicas.or_else(|| as_before(topic))).map_err(failed)?;
                check(&admin, &plan).map_err(failed)?
            }
            What::Check => {
                let plan = plan(&admin, &config, 1).map_err(failed)?;
                check(&admin, &plan).map_err(failed)?
            }
        }
    }
}

/// The plan with as many partitions as there are; `wanted` for inputs where there is none yet.
fn plan(admin: &Admin, config: &Config, wanted: usize) -> Result<TopicPlan, String> {
    let known = |topic: &str| match admin.partitions(topic) {
        Ok(partitions) => Ok(Some(partitions)),
        Err(Problem::Missing(_)) => Ok(None),
        Err(Problem::Unreachable(why) | Problem::Wrong(why)) => Err(why),
    };
    let inputs = match known(&config.topics.predictions)? {
        Some(partitions) => partitions,
        None => known(&config.topics.labels)?.unwrap_or(wanted),
    };
    let partials = known(&partials_topic(&config.kafka.application_id))?;
    Ok(TopicPlan::new(config, inputs, partials.unwrap_or(inputs.min(PARTIALS_PARTITIONS_MAX))))
}

fn create(admin: &Admin, plan: &TopicPlan, replicas: impl Fn(&str) -> Option<usize>) -> Result<(), String> {
    for topic in &plan.topics {
        if admin.look(&topic.name)?.is_some() {
            continue;
        }
        let inputs = plan.topics.first().and_then(|topic| topic.partitions).unwrap_or(1);
        let partitions = topic.partitions.unwrap_or(inputs);
        admin.create(topic, partitions, replicas(&topic.name))?;
        // Brokers hear of it one after the other.
        let deadline = Instant::now() + SEEN_MAX;
        while admin.look(&topic.name)?.is_none() {
            if Instant::now() > deadline {
                return Err(format!("topic `{}` was created, but the brokers do not know it yet", topic.name));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = print(&format!("created {} with {partitions} partitions\n", topic.name));
    }
    Ok(())
}

/// Prints a line per topic, then what is wrong with them; a failure if the service cannot run.
fn check(admin: &Admin, plan: &TopicPlan) -> Result<Result<(), Failure>, String> {
    let mut errors = 0;
    let mut findings = Vec::new();
    for topic in &plan.topics {
        let Some(found) = admin.look(&topic.name)? else {
            let (name, purpose) = (&topic.name, what(topic.purpose));
            if topic.is_required {
                errors += 1;
                eprintln!("error: topic `{name}` ({purpose}) is not there: `postdict topics create` makes it");
            } else {
                eprintln!("warning: topic `{name}` ({purpose}) is not there. Nothing is written to it as configured");
            }
            continue;
        };
        let line = format!(
            "{:<32} {:<12} {:>4} partitions, {} replicas\n",
            topic.name,
            what(topic.purpose),
            found.partitions,
            found.replicas
        );
        let _ = print(&line);
        findings.extend(plan.findings(topic, &found));
    }
    for (is_error, line) in lines(&findings) {
        errors += usize::from(is_error);
        eprintln!("{}: {line}", if is_error { "error" } else { "warning" });
    }
    Ok(if errors == 0 { Ok(()) } else { Err(Failure::Running) })
}

fn what(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Input => "input",
        Purpose::References => "references",
        Purpose::Control => "control",
        Purpose::Partials => "partials",
        Purpose::Changelog => "state",
        Purpose::Output => "output",
        Purpose::Alerts => "alerts",
    }
}

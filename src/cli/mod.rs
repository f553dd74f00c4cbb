//! The command line: one file per command. Exit status: 0 done; 1 failed while running, or what was required
//! of a history does not hold; 2 wrong usage or configuration;
//! 130 stopped by Ctrl-C.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the shell: talks to a person"
)]

#[cfg(feature = "kafka")]
mod alerts;
#[cfg(feature = "kafka")]
mod arenas;
mod backtest;
mod check;
mod demo;
#[cfg(feature = "kafka")]
mod produce;
mod profile;
mod profile_merge;
mod profile_show;
#[cfg(feature = "kafka")]
mod profile_topics;
#[cfg(feature = "kafka")]
mod references;
mod replay;
#[cfg(feature = "kafka")]
mod reset;
#[cfg(feature = "kafka")]
mod run;
mod schemas;
#[cfg(feature = "kafka")]
mod topics;
mod when;

#[cfg(feature = "kafka")]
use crate::config::Config;
#[cfg(feature = "kafka")]
use crate::stage::{INSTANCE_VARIABLE, LogFormat, Options, start_log};
use clap::{Parser, Subcommand};
use std::io::Write;
#[cfg(feature = "kafka")]
use std::path::Path;
use std::process::ExitCode;

/// Predict, then postdict: joins the predictions of models with the labels that arrive later, and says how good each
/// model is: in windows of event time that are revised as labels come in.
#[derive(Debug, Parser)]
#[command(name = "postdict", version, max_term_width = 100, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Demo),
    #[cfg(feature = "kafka")]
    Run(run::Run),
    #[cfg(feature = "kafka")]
    Topics(topics::Topics),
    #[cfg(feature = "kafka")]
    Produce(produce::Produce),
    Replay(replay::Replay),
    Backtest(backtest::Backtest),
    Profile(profile::ProfileCommand),
    #[cfg(feature = "kafka")]
    References(references::ReferencesCommand),
    #[cfg(feature = "kafka")]
    Alerts(alerts::AlertsCommand),
    Check(check::Check),
    Schemas(schemas::Schemas),
}

/// Why a command did not do what it was asked to. What there is to say was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failure {
    /// It failed while running.
    Running,
    /// Wrong usage or configuration.
    Usage,
    /// Stopped by Ctrl-C.
    Interrupted,
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Demo(demo) => demo.run(),
        #[cfg(feature = "kafka")]
        Command::Run(run) => run.run(),
        #[cfg(feature = "kafka")]
        Command::Topics(topics) => topics.run(),
        #[cfg(feature = "kafka")]
        Command::Produce(produce) => produce.run(),
        Command::Replay(replay) => replay.run(),
        Command::Backtest(backtest) => backtest.run(),
        Command::Profile(profile) => profile.run(),
        #[cfg(feature = "kafka")]
        Command::References(references) => references.run(),
        #[cfg(feature = "kafka")]
        Command::Alerts(alerts) => alerts.run(),
        Command::Check(check) => check.run(),
        Command::Schemas(schemas) => schemas.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Running) => ExitCode::from(1),
        Err(Failure::Usage) => ExitCode::from(2),
        Err(Failure::Interrupted) => ExitCode::from(130),
    }
}

/// Prints each problem on a line of its own and gives the failure of wrong usage.
fn usage(problems: &[String]) -> Failure {
    problems.iter().for_each(|problem| eprintln!("error: {problem}"));
    Failure::Usage
}

/// The configuration of a command that talks to the brokers and says on standard error what went wrong, and how to reach them.
#[cfg(feature = "kafka")]
fn on_kafka(path: &Path) -> Result<(Config, Options), Failure> {
    let config = replay::load(path)?;
    check::show(&config.warnings);
    let options = options(&config)?;
    start_log(LogFormat::Text, "warn").map_err(|problem| usage(&[problem]))?;
    Ok((config, options))
}

/// How the brokers are reached, by a process whose name the environment may say.
#[cfg(feature = "kafka")]
fn options(config: &Config) -> Result<Options, Failure> {
    Options::new(config, std::env::var(INSTANCE_VARIABLE).ok()).map_err(|problem| usage(&[problem]))
}

/// Prints what was asked for. Whoever closes standard output has seen enough.
fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            eprintln!("error: standard output: {error}");
            Err(Failure::Running)
        }
        _ => Ok(()),
    }
}

/// A number with its thousands set apart: `1,234,567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_definitions_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn thousands_are_set_apart() {
        let shown = [0, 999, 1_000, 1_234_567].map(grouped);
        assert_eq!(shown, ["0", "999", "1,000", "1,234,567"]);
    }
}

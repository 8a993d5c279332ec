//! The commands of `fovflow`.
//!
//! - `args`: what may be written on the command line.
//! - `run`, `inspect`, `simulate`, `demo`, `config`: one command each.
//! - `progress`: what's shown while a run goes on; `summary`: what's shown at its end.
//! - `log`: where log lines go; `print`: what's written to the standard output.
//!
//! Exit codes: 0 all done; 1 could not run; 2 done, but with failed FOVs; 130 cancelled.

mod args;
mod config;
mod demo;
mod inspect;
mod log;
mod print;
mod progress;
mod run;
mod simulate;
mod summary;
mod units;

use std::process::ExitCode;

use clap::Parser;

use self::args::{Cli, Command};

/// How a command ended, if it could run at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Done,
    DoneWithFailures,
    Cancelled,
}

impl From<Ending> for ExitCode {
    fn from(ending: Ending) -> Self {
        Self::from(match ending {
            Ending::Done => 0,
            Ending::DoneWithFailures => 2,
            Ending::Cancelled => 130,
        })
    }
}

/// An error and its causes, without those that the error's own message tells already.
fn describe(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}

/// Reads the command line, runs the command, and says how it ended.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // A closed pipe is the reader's choice.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(1) } else { ExitCode::SUCCESS };
        }
    };
    let bars = log::init(&cli.log);
    let ending = match cli.command {
        Command::Run(args) => run::run(&args, &bars),
        Command::Inspect(args) => inspect::run(&args),
        Command::Simulate(args) => simulate::run(&args, &bars),
        Command::Demo(args) => demo::run(&args, &bars),
        Command::Config(command) => config::run(&command),
    };
    match ending {
        Ok(ending) => ending.into(),
        Err(error) => {
            print::error(&describe(&error));
            ExitCode::from(1)
        }
    }
}

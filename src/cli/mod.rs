//! The command line: one file a command, exit codes, and how complaints are shown.

mod complain;
mod conclude;
mod exit;
mod files;
mod further;
mod kinds;
mod library;
mod meter;
mod packs;
mod page;
mod remembered;
mod scratch;

mod check;
mod controls;
mod demo;
mod facts;
mod given;
mod init;
mod judge;
mod load;
mod pack;
mod plan;
mod ports;
mod profile;
pub mod reference;
mod report;
mod scan;
mod schema;
mod stopped;
mod validate;
mod weigh;

pub use exit::Exit;

use std::sync::LazyLock;

use clap::{Args, ColorChoice, Parser, Subcommand};

/// The way through the program.
const EXAMPLES: &str = "\
Examples:
  postern demo                   audits a weak vendor on this machine: see what a review looks like
  postern init                   writes an inventory and an authorisation to start from
  postern plan -i inventory.yaml -a authorisation.yaml      shows what would be sent, and why
  postern scan -i inventory.yaml -a authorisation.yaml      scans, judges and writes the review";

/// What the long help ends with.
static LONG_HELP: LazyLock<String> = LazyLock::new(|| format!("{EXAMPLES}\n\n{}", exit::TABLE));

/// Reviews what an outsourced provider's network exposes, against what was declared.
#[derive(Debug, Parser)]
#[command(
    name = "postern",
    version,
    propagate_version = true,
    subcommand_required = true,
    arg_required_else_help = true
)]
#[command(after_help = EXAMPLES)]
#[command(after_long_help = LONG_HELP.as_str())]
pub struct Cli {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

/// What every command understands.
#[derive(Clone, Debug, Args)]
pub(crate) struct Globals {
    /// When to use colours (NO_COLOR is obeyed too).
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", env = "POSTERN_COLOR")]
    pub(crate) color: ColorChoice,
    /// Say less: errors only.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Say more on stderr; twice for everything.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

#[derive(Debug, Subcommand)]
enum Command {
    Init(init::Init),
    Validate(validate::Validate),
    Plan(plan::PlanCommand),
    Scan(scan::Scan),
    Ports(ports::Ports),
    Judge(judge::Judge),
    Report(report::Report),
    Check(check::Check),
    Profile(profile::Profile),
    Controls(controls::Controls),
    Pack(pack::Pack),
    Facts(facts::Facts),
    Schema(schema::Schema),
    Demo(demo::Demo),
}

/// Parses the command line and carries it out.
pub fn main() -> Exit {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(wrong) => {
            let _ = wrong.print();
            return if wrong.use_stderr() { Exit::Untrustworthy } else { Exit::Passed };
        }
    };
    let globals = &cli.globals;
    match &cli.command {
        Command::Init(command) => command.run(globals),
        Command::Validate(command) => command.run(globals),
        Command::Plan(command) => command.run(globals),
        Command::Scan(command) => command.run(globals),
        Command::Ports(command) => command.run(globals),
        Command::Judge(command) => command.run(globals),
        Command::Report(command) => command.run(globals),
        Command::Check(command) => command.run(globals),
        Command::Profile(command) => command.run(globals),
        Command::Controls(command) => command.run(globals),
        Command::Pack(command) => command.run(globals),
        Command::Facts(command) => command.run(globals),
        Command::Schema(command) => command.run(globals),
        Command::Demo(command) => command.run(globals),
    }
}

//! What may be written on the command line.

use std::path::PathBuf;

use clap::builder::styling::Styles;
use clap::{Args, Parser, Subcommand, ValueEnum};
use fovflow_common::config::{FlChannel, PcChannel, parse_fl_flag, parse_pc_flag};

/// Traces of single cells from time-lapse microscopy: ND2 or CZI in, Zarr and CSV out.
#[derive(Debug, Parser)]
#[command(name = "fovflow", version, styles = Styles::plain(), max_term_width = 110)]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) log: LogArgs,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// Where log lines go.
#[derive(Debug, Args)]
pub(super) struct LogArgs {
    /// Say more; twice for everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(super) verbose: u8,
    /// How log lines look
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text, env = "FOVFLOW_LOG_FORMAT")]
    pub(super) log_format: LogFormat,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Process a movie on this machine; the same command again goes on where it stopped
    Run(RunArgs),
    /// Say what is in a movie
    Inspect(InspectArgs),
    /// Make a movie of simulated cells, with its ground truth
    Simulate(SimulateArgs),
    /// Simulate a small movie, process it, and show the result
    Demo(DemoArgs),
    /// Make or check a configuration file
    #[command(subcommand)]
    Config(ConfigCommand),
}

/// `fovflow run`.
#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// The movie: a path, file:///path or s3://bucket/key
    pub(super) file: String,
    /// Where the results go: a folder or s3://bucket/prefix
    #[arg(short, long, value_name = "OUT", env = "FOVFLOW_OUTPUT")]
    pub(super) output: String,
    #[command(flatten)]
    pub(super) config: ConfigArgs,
    /// Tasks computed at the same time, and threads [default: one for each core]
    #[arg(long, value_name = "N", env = "FOVFLOW_WORKERS", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) workers: Option<u16>,
    /// Only show what would run and what is already done
    #[arg(long)]
    pub(super) dry_run: bool,
}

/// The settings of a run. A flag wins over the environment, that over the file, that over the default; so the environment is read with
/// the other layers, and not by clap.
#[derive(Debug, Args)]
pub(super) struct ConfigArgs {
    /// Phase-contrast channel, by index or name, and its features: 0:area,aspect_ratio [env: FOVFLOW_PC=]
    #[arg(long, value_name = "CH[:FEATURES]", value_parser = parse_pc_flag)]
    pub(super) pc: Option<PcChannel>,
    /// Fluorescence channel and its features: 1:intensity_total,intensity_mean (repeatable)
    #[arg(long, value_name = "CH[:FEATURES]", value_parser = parse_fl_flag)]
    pub(super) fl: Vec<FlChannel>,
    /// Configuration file (YAML); `fovflow config init` writes one
    #[arg(long, value_name = "FILE", env = "FOVFLOW_CONFIG")]
    pub(super) config: Option<PathBuf>,
    /// FOVs, processed in this order: 0-5,7 [env: FOVFLOW_FOVS=] [default: all]
    #[arg(long, value_name = "LIST")]
    pub(super) fovs: Option<String>,
    /// Frames: 0-119 [env: FOVFLOW_FRAMES=] [default: all]
    #[arg(long, value_name = "LIST")]
    pub(super) frames: Option<String>,
    /// Z plane [env: FOVFLOW_Z=] [default: 0]
    #[arg(long, value_name = "Z")]
    pub(super) z: Option<u32>,
    /// Copy the channels and stop [env: FOVFLOW_COPY_ONLY=]
    #[arg(long)]
    pub(super) copy_only: bool,
    /// Set any value of the configuration: params.tracking.min_iou=0.2 (repeatable)
    #[arg(long, value_name = "PATH=VALUE")]
    pub(super) set: Vec<String>,
}

/// `fovflow inspect`.
#[derive(Debug, Args)]
pub(super) struct InspectArgs {
    /// The movie: a path, file:///path or s3://bucket/key
    pub(super) file: String,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// `fovflow simulate`.
#[derive(Debug, Args)]
pub(super) struct SimulateArgs {
    /// The file to write (CZI)
    pub(super) file: PathBuf,
    /// Fields of view
    #[arg(long, default_value_t = 4)]
    pub(super) fovs: u32,
    /// Frames
    #[arg(long, default_value_t = 40)]
    pub(super) frames: u32,
    /// Height and width of a frame, in px
    #[arg(long, default_value_t = 512)]
    pub(super) size: u32,
    /// Cells in view at the start, about
    #[arg(long, default_value_t = 30)]
    pub(super) cells: u32,
    /// Equal seeds give equal files
    #[arg(long, default_value_t = 1)]
    pub(super) seed: u64,
    /// How close cells come to each other
    #[arg(long, value_enum, default_value_t = CellLayout::Mixed)]
    pub(super) layout: CellLayout,
    /// Fluorescence channels
    #[arg(long, default_value_t = 1)]
    pub(super) fluorescence: u32,
    /// Write the ground truth (labels, IDs, intensities) to this folder
    #[arg(long, value_name = "DIR")]
    pub(super) truth: Option<PathBuf>,
}

/// How close simulated cells come to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum CellLayout {
    /// Most cells apart, some touching; they enter, leave and divide
    Mixed,
    /// At least a diameter between any two cells
    Separate,
    /// Most cells touch others
    Crowded,
}

/// `fovflow demo`.
#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// The folder for the movie and its results
    #[arg(default_value = "fovflow-demo")]
    pub(super) folder: PathBuf,
    /// Tasks computed at the same time [default: one for each core]
    #[arg(long, value_name = "N", env = "FOVFLOW_WORKERS", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) workers: Option<u16>,
}

/// `fovflow config`.
#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Write a commented configuration file with every default
    Init {
        /// The file to write; without it, the standard output
        file: Option<PathBuf>,
    },
    /// Check a configuration, by itself or against a movie
    Check {
        /// The movie that it's for
        file: Option<String>,
        #[command(flatten)]
        config: ConfigArgs,
    },
}
